CREATE TABLE "Größe" ("名前" text);
INSERT INTO "Größe" VALUES ('Zoë – naïve € 😀');

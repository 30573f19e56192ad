import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.output.InfoOutput;
import org.flywaydb.core.api.output.InfoResult;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.core.api.output.ValidateResult;
import org.flywaydb.core.internal.configuration.ConfigUtils;

/**
 * Runs Flyway for the interoperability tests and stays resident, because a JVM takes longer to
 * start than most commands take.
 *
 * <p>A request is one line in form encoding: {@code command=migrate} and the FLYWAY_* variables
 * that the command line would find in its environment. The answer is one line of JSON.
 */
public final class FlywayRunner {
    private static final List<String> log = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // nothing else may write between the answers
        collectLog();
        BufferedReader requests =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            log.clear();
            Map<String, Object> answer = answer(decode(line));
            answer.put("log", List.copyOf(log));
            answers.println(json(answer));
        }
    }

    private static Map<String, Object> answer(Map<String, String> request) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("accepted", true);
        try {
            String command = request.remove("command");
            run(command, configured(request).load(), answer);
        } catch (FlywayException refusal) {
            answer.put("accepted", false);
            answer.put("error", String.valueOf(refusal.getErrorCode()));
            answer.put("message", refusal.getMessage());
        } catch (RuntimeException | Error failure) {
            answer.put("accepted", false);
            answer.put("error", failure.getClass().getSimpleName());
            answer.put("message", failure.getMessage());
        }
        return answer;
    }

    private static void run(String command, Flyway flyway, Map<String, Object> answer) {
        switch (command) {
            case "migrate" -> flyway.migrate();
            case "repair" -> flyway.repair();
            case "baseline" -> flyway.baseline();
            case "info" -> answer.put("states", states(flyway.info().getInfoResult()));
            case "validate" -> validate(flyway.validateWithResult(), answer);
            default -> throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private static void validate(ValidateResult result, Map<String, Object> answer) {
        List<Object> problems = new ArrayList<>();
        for (ValidateOutput invalid : result.invalidMigrations) {
            problems.add(String.valueOf(invalid.errorDetails.errorCode));
        }
        answer.put("accepted", result.validationSuccessful);
        answer.put("problems", problems);
        if (!result.validationSuccessful) {
            answer.put("error", String.valueOf(result.errorDetails.errorCode));
            answer.put("message", result.getAllErrorMessages());
        }
    }

    private static List<Object> states(InfoResult result) {
        List<Object> states = new ArrayList<>();
        for (InfoOutput info : result.migrations) {
            Map<String, Object> state = new LinkedHashMap<>();
            state.put("category", info.category);
            state.put("version", info.version);
            state.put("description", info.description);
            state.put("type", info.type);
            state.put("state", info.state);
            state.put("installedBy", info.installedBy);
            states.add(state);
        }
        return states;
    }

    /** What the command line makes of its environment, and of its flag -workingDirectory. */
    private static FluentConfiguration configured(Map<String, String> request) {
        FluentConfiguration configuration = Flyway.configure();
        String folder = request.remove("FLYWAY_WORKING_DIRECTORY");
        if (folder != null) {
            configuration.workingDirectory(folder);
            String[] locations = request.get("FLYWAY_LOCATIONS").split(",");
            ConfigUtils.makeRelativeLocationsBasedOnWorkingDirectory(folder, locations);
            request.put("FLYWAY_LOCATIONS", String.join(",", locations));
        }
        return configuration.configuration(properties(request));
    }

    /** Flyway's own translation of variable names to property names. */
    private static Map<String, String> properties(Map<String, String> variables) {
        Map<String, String> properties = new LinkedHashMap<>();
        variables.forEach(
                (name, value) -> {
                    String key = ConfigUtils.convertKey(name);
                    if (key == null) {
                        throw new IllegalArgumentException("Flyway knows no variable " + name);
                    }
                    properties.put(key, value);
                });
        return properties;
    }

    private static Map<String, String> decode(String line) {
        Map<String, String> fields = new LinkedHashMap<>();
        for (String pair : line.split("&")) {
            int equals = pair.indexOf('=');
            fields.put(
                    URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                    URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return fields;
    }

    private static void collectLog() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.addHandler(
                new Handler() {
                    @Override
                    public void publish(LogRecord record) {
                        log.add(record.getLevel() + " " + record.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                });
    }

    /** Flyway's own JSON library is another one in each major version. */
    private static String json(Object value) {
        if (value instanceof Map<?, ?> map) {
            StringJoiner fields = new StringJoiner(",", "{", "}");
            map.forEach((name, field) -> fields.add(json(name) + ":" + json(field)));
            return fields.toString();
        }
        if (value instanceof List<?> list) {
            StringJoiner items = new StringJoiner(",", "[", "]");
            list.forEach(item -> items.add(json(item)));
            return items.toString();
        }
        return value instanceof String text ? quote(text) : String.valueOf(value);
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char unit : text.toCharArray()) {
            boolean plain = unit >= ' ' && unit < 127 && unit != '"' && unit != '\\';
            quoted.append(plain ? unit : String.format("\\u%04x", (int) unit));
        }
        return quoted.append('"').toString();
    }
}

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flume.conf.ComponentConfiguration;
import org.apache.flume.conf.FlumeConfiguration;
import org.apache.flume.conf.sink.SinkGroupConfiguration;
import org.apache.flume.node.ConfigurationSource;
import org.apache.flume.node.FileConfigurationSource;
import org.apache.flume.node.MaterializedConfiguration;
import org.apache.flume.node.UriConfigurationProvider;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/**
 * Says what Flume itself does with configuration files: runs its own provider (reading, interpolation, validation, creation of the
 * components, which are configured but never started) and prints one line of JSON per agent. File names come as arguments or, one per
 * line, on standard input; with standard input the line {"end":true} ends each answer, so that one JVM can be asked again and again.
 *
 * <p>See test/compat/oracle.ts for what the fields and verdicts mean.
 */
public final class ConfigOracle {
  private static final List<String> KINDS = List.of("sources", "channels", "sinks", "sinkgroups");

  private final Gson gson = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();
  private final Journal journal = new Journal();
  private final PrintStream out;

  private ConfigOracle(PrintStream out) {
    this.out = out;
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    ConfigOracle oracle = new ConfigOracle(answers);
    oracle.journal.install();
    if (arguments.length > 0) {
      for (String file : arguments) {
        oracle.examine(file);
      }
    } else {
      BufferedReader names = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String file = names.readLine(); file != null; file = names.readLine()) {
        oracle.examine(file);
        answers.println("{\"end\":true}");
      }
    }
    answers.flush();
    Runtime.getRuntime().halt(0);
  }

  /** One line for each agent that the file mentions; a single line without an agent when it mentions none. */
  private void examine(String file) {
    Map<String, String> properties = new TreeMap<>();
    try {
      properties = read(file);
    } catch (Throwable problem) {
      // Flume meets the same problem below and answers it in its own way.
    }
    Deque<Path> made = foldersToBeMade(properties);
    Set<String> agents = agentsIn(properties);
    if (agents.isEmpty()) {
      print(verdict(file, null, properties));
    }
    for (String agent : agents) {
      print(verdict(file, agent, properties));
    }
    for (Path folder : made) {
      folder.toFile().delete();
    }
  }

  private void print(Map<String, Object> line) {
    out.println(gson.toJson(line));
  }

  private Map<String, Object> verdict(String file, String agent, Map<String, String> properties) {
    Map<String, Set<String>> declared = declared(agent, properties);
    Recorder provider = null;
    MaterializedConfiguration built = null;
    String fatal = null;
    journal.begin();
    try {
      // Flume makes both of them anew for every start, the source first, and a file that is not there fails here.
      provider = new Recorder(agent == null ? "agent" : agent, new FileConfigurationSource(new File(file).toURI()));
      built = provider.getConfiguration();
    } catch (Throwable problem) {
      fatal = describe(problem);
    }
    forgetJdbcChannels();
    FlumeConfiguration.AgentConfiguration valid = provider == null ? null : provider.validated(agent);
    Map<String, Set<String>> validated = validated(valid);
    Map<String, Set<String>> kept = kept(built, valid);
    List<Map<String, String>> dropped = valid == null && provider != null && fatal == null && agent != null
        ? droppedWithAgent(agent, declared, properties)
        : dropped(agent, declared, validated, kept, fatal);

    Map<String, Object> line = new LinkedHashMap<>();
    line.put("file", file);
    line.put("agent", agent);
    line.put("verdict", word(fatal, kept, dropped));
    KINDS.forEach(kind -> line.put(kind, kept.get(kind)));
    line.put("dropped", dropped);
    line.put("fatal", fatal);
    line.put("validated", validated);
    return line;
  }

  private static String word(String fatal, Map<String, Set<String>> kept, List<?> dropped) {
    if (fatal != null) {
      return "refuses";
    }
    if (kept.get("sources").isEmpty() && kept.get("sinks").isEmpty()) {
      return "idle";
    }
    return dropped.isEmpty() ? "ok" : "degraded";
  }

  // ---- what the file says

  private static Map<String, String> read(String file) throws Throwable {
    Properties properties = new Properties();
    byte[] bytes = Files.readAllBytes(Path.of(file));
    properties.load(new InputStreamReader(new ByteArrayInputStream(bytes), StandardCharsets.ISO_8859_1));
    Method resolve = Class.forName("org.apache.flume.node.MapResolver").getDeclaredMethod("resolveProperties", Properties.class);
    resolve.setAccessible(true);
    try {
      @SuppressWarnings("unchecked")
      Map<String, String> resolved = (Map<String, String>) resolve.invoke(null, properties);
      return resolved;
    } catch (InvocationTargetException wrapped) {
      Map<String, String> raw = new TreeMap<>();
      properties.forEach((key, value) -> raw.put((String) key, (String) value));
      return raw;
    }
  }

  /** Names before the first dot of all keys that have a value and something behind the dot, as FlumeConfiguration finds them. */
  private static Set<String> agentsIn(Map<String, String> properties) {
    Set<String> agents = new TreeSet<>();
    properties.forEach((rawKey, rawValue) -> {
      String key = rawKey.trim();
      int dot = key.indexOf('.');
      if (!rawValue.trim().isEmpty() && dot > 0 && dot + 1 < key.length()) {
        agents.add(key.substring(0, dot));
      }
    });
    return agents;
  }

  private static Map<String, Set<String>> declared(String agent, Map<String, String> properties) {
    Map<String, Set<String>> lists = empty();
    properties.forEach((rawKey, rawValue) -> {
      String key = rawKey.trim();
      for (String kind : KINDS) {
        String value = rawValue.trim();
        if (key.equals(agent + "." + kind) && !value.isEmpty()) {
          lists.get(kind).addAll(Arrays.asList(value.split(kind.equals("sinkgroups") ? " +" : "\\s+")));
        }
      }
    });
    return lists;
  }

  // ---- what Flume makes of it

  private static Map<String, Set<String>> validated(FlumeConfiguration.AgentConfiguration agent) {
    Map<String, Set<String>> lists = empty();
    if (agent != null) {
      addAll(lists, "sources", agent.getSourceSet());
      addAll(lists, "channels", agent.getChannelSet());
      addAll(lists, "sinks", agent.getSinkSet());
      addAll(lists, "sinkgroups", agent.getSinkgroupSet());
    }
    return lists;
  }

  private static Map<String, Set<String>> kept(MaterializedConfiguration built, FlumeConfiguration.AgentConfiguration agent) {
    Map<String, Set<String>> lists = empty();
    if (built == null) {
      return lists;
    }
    addAll(lists, "sources", built.getSourceRunners().keySet());
    addAll(lists, "channels", built.getChannels().keySet());
    for (String runner : built.getSinkRunners().keySet()) {
      ComponentConfiguration group = agent == null ? null : agent.getSinkGroupConfigMap().get(runner);
      if (group != null && agent.getSinkgroupSet().contains(runner)) {
        lists.get("sinkgroups").add(runner);
        lists.get("sinks").addAll(((SinkGroupConfiguration) group).getSinks());
      } else {
        lists.get("sinks").add(runner);
      }
    }
    return lists;
  }

  private List<Map<String, String>> dropped(String agent, Map<String, Set<String>> declared, Map<String, Set<String>> validated,
      Map<String, Set<String>> kept, String fatal) {
    List<Map<String, String>> dropped = new ArrayList<>();
    for (String kind : KINDS) {
      String word = kind.substring(0, kind.length() - 1);
      for (String name : declared.get(kind)) {
        boolean valid = validated.get(kind).contains(name);
        boolean unknown = fatal != null && (valid || validated.get("channels").isEmpty());
        if (!kept.get(kind).contains(name) && !unknown) {
          String reason = journal.reason(agent, word, name, valid);
          dropped.add(drop(word + " " + name, valid ? "load" : "validate", reason == null ? "no property for this " + word : reason));
        }
      }
    }
    return dropped;
  }

  /** An invalid agent is gone with everything; named are only the components that were dropped before that was found out. */
  private List<Map<String, String>> droppedWithAgent(String agent, Map<String, Set<String>> declared, Map<String, String> properties) {
    List<Map<String, String>> dropped = new ArrayList<>();
    String verdict = journal.reason(agent, "agent", agent, false);
    boolean channelsOnly = verdict != null && journal.mentions(agent, "does not contain any");
    for (String kind : KINDS) {
      String word = kind.substring(0, kind.length() - 1);
      for (String name : declared.get(kind)) {
        String reason = journal.reason(agent, word, name, false);
        String prefix = agent + "." + kind + "." + name + ".";
        boolean bare = properties.keySet().stream().noneMatch(key -> key.trim().startsWith(prefix));
        boolean reached = kind.equals("channels") || !channelsOnly;
        if (reason != null || (bare && reached)) {
          dropped.add(drop(word + " " + name, "validate", reason == null ? "no property for this " + word : reason));
        }
      }
    }
    dropped.add(drop("agent " + agent, "validate", verdict));
    return dropped;
  }

  private static Map<String, String> drop(String component, String phase, String reason) {
    Map<String, String> entry = new LinkedHashMap<>();
    entry.put("component", component);
    entry.put("phase", phase);
    entry.put("reason", reason);
    return entry;
  }

  private static Map<String, Set<String>> empty() {
    Map<String, Set<String>> lists = new LinkedHashMap<>();
    KINDS.forEach(kind -> lists.put(kind, new TreeSet<>()));
    return lists;
  }

  private static void addAll(Map<String, Set<String>> lists, String kind, Collection<String> names) {
    if (names != null) {
      lists.get(kind).addAll(names);
    }
  }

  /** The JDBC channel keeps the names in use for the life of the process, which here sees many agents. */
  private static void forgetJdbcChannels() {
    try {
      Field names = Class.forName("org.apache.flume.channel.jdbc.JdbcChannelProviderFactory").getDeclaredField("INSTANCES");
      names.setAccessible(true);
      ((Set<?>) names.get(null)).clear();
    } catch (ReflectiveOperationException absent) {
      // Without the plug-in there is nothing to forget.
    }
  }

  private static String describe(Throwable problem) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = problem; cause != null && text.length() < 500; cause = cause.getCause()) {
      String message = cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
      text.append(text.length() == 0 ? "" : " <- ").append(message);
    }
    return text.toString();
  }

  /** A TAILDIR source makes the folder of its position file when it is configured; these are those that did not exist before. */
  private static Deque<Path> foldersToBeMade(Map<String, String> properties) {
    Deque<Path> folders = new ArrayDeque<>();
    properties.forEach((key, value) -> {
      if (key.trim().endsWith(".positionFile") && value.trim().startsWith("/")) {
        Path folder = Path.of(value.trim()).getParent();
        List<Path> missing = new ArrayList<>();
        while (folder != null && !Files.exists(folder)) {
          missing.add(folder);
          folder = folder.getParent();
        }
        folders.addAll(missing);
      }
    });
    return folders;
  }

  /** Flume's provider for files, keeping the validated configuration that it worked from. */
  private static final class Recorder extends UriConfigurationProvider {
    private FlumeConfiguration configuration;

    Recorder(String agent, ConfigurationSource source) {
      super(agent, Collections.singletonList(source), null, null, 30);
    }

    @Override
    public FlumeConfiguration getFlumeConfiguration() {
      configuration = super.getFlumeConfiguration();
      return configuration;
    }

    FlumeConfiguration.AgentConfiguration validated(String agent) {
      return configuration == null || agent == null ? null : configuration.getConfigurationFor(agent);
    }
  }

  /** What Flume logs while it works on one agent; only from here can be known why a component was dropped. */
  private static final class Journal extends AbstractAppender {
    private static final String START = "Starting validation of configuration for agent: ";
    private final List<String[]> entries = new ArrayList<>();
    private String agent = "";

    Journal() {
      super("journal", null, null, true, Property.EMPTY_ARRAY);
    }

    void install() {
      start();
      LoggerContext context = (LoggerContext) LogManager.getContext(false);
      Configuration configuration = context.getConfiguration();
      LoggerConfig root = configuration.getRootLogger();
      root.getAppenders().keySet().forEach(root::removeAppender);
      root.setLevel(Level.OFF);
      for (String logger : List.of("org.apache.flume.conf.FlumeConfiguration", "org.apache.flume.node.AbstractConfigurationProvider")) {
        LoggerConfig one = new LoggerConfig(logger, Level.DEBUG, false);
        one.addAppender(this, Level.DEBUG, null);
        configuration.addLogger(logger, one);
      }
      context.updateLoggers();
    }

    void begin() {
      entries.clear();
      agent = "";
    }

    @Override
    public synchronized void append(LogEvent event) {
      String message = event.getMessage().getFormattedMessage();
      if (message.startsWith(START)) {
        agent = message.substring(START.length());
      }
      boolean loading = event.getLoggerName().endsWith("Provider");
      String thrown = event.getThrown() == null ? "" : describe(event.getThrown());
      if (event.getLevel().isMoreSpecificThan(Level.WARN)) {
        entries.add(new String[] {loading ? "load" : agent, message, thrown});
      }
    }

    boolean mentions(String agent, String words) {
      return entries.stream().anyMatch(entry -> entry[1].contains("'" + agent + "'") && entry[1].contains(words));
    }

    /** The last thing logged that names the component as a word of its own; null when nothing did while validating. */
    String reason(String agent, String kind, String name, boolean loading) {
      String found = loading ? "removed without a word" : null;
      for (String[] entry : entries) {
        boolean phase = loading ? entry[0].equals("load") : entry[0].equals(agent) || kind.equals("agent");
        String text = " " + entry[1].replaceAll("[.'\\]]", " ") + " ";
        boolean same = text.toLowerCase().contains(kind.equals("sinkgroup") ? "group" : kind);
        if (phase && same && text.contains(" " + name.replaceAll("[.'\\]]", " ") + " ")) {
          found = entry[1] + (entry[2].isEmpty() ? "" : ": " + entry[2]);
        } else if (loading && entry[0].equals("load") && entry[1].equals("Failed to instantiate component")) {
          return "Failed to instantiate component: " + entry[2];
        }
      }
      return found;
    }
  }
}

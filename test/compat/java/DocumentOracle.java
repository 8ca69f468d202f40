import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flume.Event;
import org.apache.flume.event.EventBuilder;
import org.apache.flume.sink.elasticsearch.ElasticSearchDynamicSerializer;
import org.apache.flume.sink.elasticsearch.ElasticSearchEventSerializer;
import org.apache.flume.sink.elasticsearch.ElasticSearchLogStashEventSerializer;
import org.apache.flume.sink.elasticsearch.TimeBasedIndexNameBuilder;
import org.apache.flume.Context;

/**
 * Flume 1.9's serializers of the elasticsearch sink. A line of input for each event: fields separated by blanks, in base64 each: the body,
 * then names and values of headers. For each a line with the LogStash document, the dynamic document and the index name, in base64.
 */
public class DocumentOracle {
  public static void main(String[] args) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.ISO_8859_1));
    PrintStream output = new PrintStream(System.out, false, "ISO-8859-1");
    TimeBasedIndexNameBuilder names = new TimeBasedIndexNameBuilder();
    Context context = new Context();
    context.put("indexName", "flume");
    names.configure(context);
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] fields = line.split(" ", -1);
      Map<String, String> headers = new LinkedHashMap<>();
      for (int at = 1; at + 1 < fields.length; at += 2) headers.put(text(fields[at]), text(fields[at + 1]));
      Event event = EventBuilder.withBody(bytes(fields[0]), headers);
      output.println(document(new ElasticSearchLogStashEventSerializer(), event) + " " + document(new ElasticSearchDynamicSerializer(), event)
          + " " + base64(headers.containsKey("timestamp") ? names.getIndexName(event) : ""));
    }
    output.flush();
  }

  static String document(ElasticSearchEventSerializer serializer, Event event) {
    try {
      return base64(serializer.getContentBuilder(event).bytes().toUtf8());
    } catch (Exception e) {
      return base64("! " + e.getClass().getSimpleName());
    }
  }

  static byte[] bytes(String field) {
    return Base64.getDecoder().decode(field);
  }

  static String text(String field) {
    return new String(bytes(field), StandardCharsets.UTF_8);
  }

  static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}

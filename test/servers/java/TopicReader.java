import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's own consumer, as a witness. Each line of standard input names a topic, or, with a minus in front, one that is no longer wanted. Every
 * committed record of those that are, from the beginning on, goes to standard output: place of the topic among the lines that named one,
 * partition, offset and length of the value (-1: none) in 4, 4, 8 and 4 bytes, then the value. Ends with its standard input. Argument: brokers.
 */
public class TopicReader {
  public static void main(String[] args) throws Exception {
    var lines = new ConcurrentLinkedQueue<String>();
    Thread input = new Thread(() -> {
      try (var in = new BufferedReader(new InputStreamReader(System.in))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) lines.add(line);
      } catch (java.io.IOException gone) {
        // As good as the end.
      }
      Runtime.getRuntime().halt(0);
    });
    input.setDaemon(true);
    input.start();
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed", "metadata.max.age.ms", 5000, "reconnect.backoff.max.ms", 200);
    var out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Map<String, Integer> places = new HashMap<>();
      List<TopicPartition> wanted = new ArrayList<>();
      for (int named = 0; true; ) {
        for (String line = lines.poll(); line != null; line = lines.poll()) {
          if (line.startsWith("-")) {
            String topic = line.substring(1);
            wanted.removeIf(each -> each.topic().equals(topic));
            consumer.assign(wanted);
            continue;
          }
          places.put(line, named++);
          var partitions = consumer.partitionsFor(line).stream().map(each -> new TopicPartition(each.topic(), each.partition())).toList();
          wanted.addAll(partitions);
          consumer.assign(wanted);
          consumer.seekToBeginning(partitions);
        }
        if (wanted.isEmpty()) {
          Thread.sleep(10);
          continue;
        }
        for (var record : consumer.poll(Duration.ofMillis(50))) {
          byte[] value = record.value();
          out.writeInt(places.get(record.topic()));
          out.writeInt(record.partition());
          out.writeLong(record.offset());
          out.writeInt(value == null ? -1 : value.length);
          if (value != null) out.write(value);
        }
        out.flush();
      }
    }
  }
}

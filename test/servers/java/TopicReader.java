import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's own consumer, as a witness: writes every record of a topic, from the beginning on, to standard output: partition, offset and
 * length of the value (-1: none) in 4, 8 and 4 bytes, then the value. Ends with its standard input.
 * Arguments: brokers, topic, isolation level.
 */
public class TopicReader {
  public static void main(String[] args) throws Exception {
    Thread end = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {}
      } catch (java.io.IOException gone) {
        // As good as the end.
      }
      Runtime.getRuntime().halt(0);
    });
    end.setDaemon(true);
    end.start();
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", args[2], "metadata.max.age.ms", 5000, "reconnect.backoff.max.ms", 200);
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      var partitions = consumer.partitionsFor(args[1]).stream().map(each -> new TopicPartition(each.topic(), each.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (true) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          byte[] value = record.value();
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

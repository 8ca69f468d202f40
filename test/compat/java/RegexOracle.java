import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Answers, for each line "pattern TAB text TAB replacement" (UTF-16 units as four hexadecimal digits each), what java.util.regex makes of it:
 * "refused", or "whole|match match …|replaced" with match = begin,end,begin of group 1,end of group 1,…
 */
public class RegexOracle {
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "US-ASCII"));
    PrintStream out = new PrintStream(System.out, false, "US-ASCII");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] fields = line.split("\t", -1);
      out.println(answer(decode(fields[0]), decode(fields[1]), decode(fields[2])));
    }
    out.flush();
  }

  private static String answer(String source, String text, String replacement) {
    Pattern pattern;
    try {
      pattern = Pattern.compile(source);
    } catch (PatternSyntaxException refused) {
      return "refused";
    } catch (RuntimeException | StackOverflowError broken) {
      return "broken";
    }
    try {
      StringBuilder result = new StringBuilder();
      result.append(pattern.matcher(text).matches() ? "1|" : "0|");
      Matcher matcher = pattern.matcher(text);
      while (matcher.find()) {
        for (int group = 0; group <= matcher.groupCount(); group++) {
          result.append(group == 0 ? "" : ",").append(matcher.start(group)).append(',').append(matcher.end(group));
        }
        result.append(' ');
      }
      result.append('|');
      try {
        result.append(encode(pattern.matcher(text).replaceAll(replacement)));
      } catch (IndexOutOfBoundsException | IllegalArgumentException wrong) {
        result.append('!');
      }
      return result.toString();
    } catch (RuntimeException | StackOverflowError broken) {
      return "broken";
    }
  }

  private static String decode(String hexadecimal) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < hexadecimal.length(); at += 4) {
      text.append((char) Integer.parseInt(hexadecimal.substring(at, at + 4), 16));
    }
    return text.toString();
  }

  private static String encode(String text) {
    StringBuilder hexadecimal = new StringBuilder();
    for (int at = 0; at < text.length(); at++) hexadecimal.append(String.format("%04x", (int) text.charAt(at)));
    return hexadecimal.toString();
  }
}

// A sink that writes each event to standard output as one line of JSON. Named in conf/plugin.properties.

export const plugin = ({ define, integer, boolean }) =>
  define('sink', {
    types: ['console-sink', 'com.example.ConsoleSink'],
    summary: 'Writes each event to standard output as one line of JSON.',
    options: {
      batchSize: integer({ default: 100, min: 1, doc: 'Most events taken from the channel at a time.' }),
      showHeaders: boolean({ default: true, doc: 'Write the headers too.' }),
    },
    batchSizeOption: 'batchSize',
    create: (_context, { batchSize, showHeaders }) => ({
      batchSize,
      async write(batch) {
        let lines = '';
        for (const { body, headers } of batch) {
          lines += `${JSON.stringify({ ...(showHeaders && { headers: Object.fromEntries(headers) }), body: body.toString() })}\n`;
        }
        // The promise settles when the destination has taken every event; what it throws makes the agent offer them again.
        await new Promise((resolve, reject) => process.stdout.write(lines, (error) => (error ? reject(error) : resolve())));
      },
    }),
  });

/** Where the monitoring of a running agent is, from `--port` or `--url`; neither: `undefined`. Throws for what is no such place. */
export function agentUrl(port: number | undefined, text: string | undefined): URL | undefined {
  if (port !== undefined && text !== undefined) throw new Error('--port and --url exclude each other');
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) throw new Error('--port is a number from 1 to 65535');
  if (port === undefined && text === undefined) return undefined;
  const url = URL.parse(text ?? `http://127.0.0.1:${port}`);
  if (url?.protocol !== 'http:') throw new Error(`--url: "${text}" is no address such as http://127.0.0.1:34545`);
  return url;
}

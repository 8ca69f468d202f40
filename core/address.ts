/** Where somebody on this machine reaches a listener that says `127.0.0.1:44444`, `[::1]:44444`, or an address that stands for all. */
export function reachableAt(address: string): { readonly host: string; readonly port: string } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '').replace(/^(0\.0\.0\.0|::)$/, '127.0.0.1');
  return { host, port: address.slice(at + 1) };
}

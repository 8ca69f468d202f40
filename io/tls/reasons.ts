import type { X509Certificate } from 'node:crypto';

export interface TlsFacts {
  readonly keystore: string | undefined;
  readonly truststore: string | undefined;
  readonly own: X509Certificate | undefined;
  readonly peer: X509Certificate | undefined;
}

const UNTRUSTED = new Set(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_SIGNATURE_FAILURE']);

/** Why a handshake failed that a client of ours has made; `undefined`: the error says all that is known. */
export function clientReason(error: Error, facts: TlsFacts): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the receiver's certificate${peerName(facts.peer)} is for another name: connect by one that it is for, or have it issued for this one (${error.message})`;
  return aboutPeer(error, 'receiver', facts) ?? aboutOwn(error, 'receiver', facts);
}

/** The same for a handshake that a client has begun. */
export function serverReason(error: Error, facts: TlsFacts): string | undefined {
  return aboutPeer(error, 'client', facts) ?? aboutOwn(error, 'client', facts);
}

/** What is wrong with the peer's certificate. */
function aboutPeer(error: Error, who: 'receiver' | 'client', { truststore, peer }: TlsFacts): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  const name = peerName(peer);
  const trusted = truststore ?? 'the list that Node brings, for no truststore is set';
  if (code === 'CERT_HAS_EXPIRED') {
    if (peer && peer.validToDate.getTime() > Date.now()) return `an authority of the ${who}'s certificate${name} has expired: renew it there, and in ${trusted}`;
    return `the ${who}'s certificate${name} has expired${peer ? ` on ${peer.validToDate.toISOString()}` : ''}: renew it there`;
  }
  if (code === 'CERT_NOT_YET_VALID') return `the ${who}'s certificate${name} is not valid yet${peer ? `, but from ${peer.validFromDate.toISOString()} on` : ''}: compare the clocks of both hosts`;
  if (code !== undefined && UNTRUSTED.has(code)) {
    return `the ${who}'s certificate${name}${peer ? `, issued by ${oneLine(peer.issuer)},` : ''} is not signed by an authority in ${trusted}: put that authority's certificate into it (${error.message})`;
  }
  return undefined;
}

/** What the peer says of ours: alerts of TLS (RFC 8446, 6.2). */
function aboutOwn(error: Error, who: 'receiver' | 'client', { keystore, own }: TlsFacts): string | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  const alert = /^ERR_SSL_\S+_ALERT_(\w+)$/.exec(code)?.[1];
  if (alert === undefined) return code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' ? `the ${who} shows no certificate: set keystore there (peer did not return a certificate)` : undefined;
  if (alert === 'CERTIFICATE_REQUIRED' || (alert === 'HANDSHAKE_FAILURE' && who === 'receiver' && keystore === undefined)) {
    return `the ${who} asks for a certificate, and ${keystore === undefined ? 'no keystore is set' : `that of ${keystore} does not fit`} (${reasonOf(error)})`;
  }
  const ours = `our certificate${own ? ` (${certificateName(own)}, expires ${own.validToDate.toISOString()})` : ''}${keystore === undefined ? '' : ` of ${keystore}`}`;
  if (alert === 'CERTIFICATE_EXPIRED') return `to the ${who} ${ours} has expired: put a renewed one in place of the file`;
  if (alert === 'UNKNOWN_CA') return `the ${who} does not trust who has signed ${ours}: put that authority's certificate into its truststore (${reasonOf(error)})`;
  if (alert.includes('CERTIFICATE')) return `the ${who} does not take ${ours} (${reasonOf(error)})`;
  return undefined;
}

function peerName(peer: X509Certificate | undefined): string {
  return peer ? ` (${certificateName(peer)})` : '';
}

export function certificateName(certificate: X509Certificate): string {
  return oneLine(certificate.subject);
}

function reasonOf(error: Error): string {
  const { reason } = error as Error & { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : error.message;
}

/** Names stand a part per line; whoever made them up chose the text. */
function oneLine(name: string | undefined): string {
  return (name ?? '').replace(/[\p{Cc}]+/gu, ', ').slice(0, 200);
}

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { DeflatedStream } from '../deflated-stream.ts';
import { certificateName } from './reasons.ts';
import type { TlsStores } from './tls-stores.ts';

/** What a TLS record of a handshake begins with, and a zlib stream. */
const TLS_HANDSHAKE = 0x16;

export interface Layers {
  readonly tls?: Pick<TlsStores, 'context' | 'explain'> | undefined;
  /** Ask the client for a certificate that is trusted, and refuse it without. */
  readonly clientCertificate?: boolean;
  /** Told whose certificate that is, once it was found good: its subject in one line. */
  readonly identified?: (subject: string) => void;
  /** Present: both directions are compressed, ours at this level. */
  readonly deflateLevel?: number;
  /** For TLS and compression to be agreed. */
  readonly deadlineMs: number;
}

/**
 * The plain side of an accepted connection. TLS and compression together come in two orders: Flume 1.10 and later put TLS inside of the
 * compressed stream, older ones the other way round; the first byte tells. Rejects where the handshake fails or its deadline has passed;
 * the socket is destroyed then.
 */
export async function acceptLayers(socket: Socket, layers: Layers): Promise<Duplex> {
  const { tls, deflateLevel } = layers;
  if (!tls) return deflateLevel === undefined ? socket : new DeflatedStream(socket, deflateLevel);
  const deadline = setTimeout(() => socket.destroy(new Error(`no TLS handshake within ${layers.deadlineMs / 1000} s`)), layers.deadlineMs);
  try {
    if (deflateLevel === undefined) return await secured(socket, tls, layers);
    const first = await firstByte(socket);
    if (first === TLS_HANDSHAKE) return new DeflatedStream(await secured(socket, tls, layers), deflateLevel);
    return await secured(new DeflatedStream(socket, deflateLevel), tls, layers);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

/** Resolves with the secured side once the handshake is done. */
async function secured(inner: Duplex, tls: NonNullable<Layers['tls']>, { clientCertificate = false, identified }: Layers): Promise<TLSSocket> {
  const secureContext = await tls.context();
  if (inner.destroyed) throw new Error('the client hung up before the TLS handshake');
  const { TLSSocket } = process.getBuiltinModule('node:tls');
  const socket = new TLSSocket(inner, {
    isServer: true,
    secureContext,
    requestCert: clientCertificate,
    rejectUnauthorized: clientCertificate,
  });
  return new Promise((resolve, reject) => {
    const failed = (error?: Error): void => reject(new Error(error ? tlsReason(tls.explain(error)) : 'the client hung up during the TLS handshake'));
    inner.once('error', failed);
    socket.once('error', failed);
    socket.once('close', () => failed());
    socket.once('secure', () => {
      const fault = clientCertificate ? verifyError(socket) : null;
      const shown = clientCertificate ? socket.getPeerX509Certificate() : undefined;
      if (!fault && shown) identified?.(certificateName(shown));
      if (!fault && (!clientCertificate || shown)) return resolve(socket);
      socket.destroy();
      reject(new Error('the client shows no certificate that is trusted here', ...(fault ? [{ cause: tls.explain(fault, shown?.raw) }] : [])));
    });
  });
}

/** What is wrong with the peer's certificate; Node tells it only of sockets that its own server has accepted. */
function verifyError(socket: TLSSocket): Error | null | undefined {
  return (socket as unknown as { readonly _handle?: { verifyError(): Error | null } })._handle?.verifyError();
}

/** OpenSSL's own words, without the numbers and file names around them. */
export function tlsReason(error: Error): string {
  const { reason } = error as Error & { readonly reason?: unknown };
  return typeof reason === 'string' ? `the TLS handshake failed: ${reason}` : error.message;
}

/** Without taking it. */
function firstByte(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error?: Error): void => reject(error ?? new Error('the client hung up before it sent anything'));
    socket.once('error', failed);
    socket.once('close', () => failed());
    socket.once('end', () => failed());
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return void socket.once('readable', look);
      socket.unshift(chunk);
      resolve(chunk[0] as number);
    };
    look();
  });
}

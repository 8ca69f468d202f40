import type { TlsChoice } from '../../io/tls/tls-names.ts';
import type { Problem } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { nameOf } from './connections.ts';
import type { Receiver, Sender } from './ends.ts';
import { places } from './places.ts';

/** Where the two ends of a connection do not speak alike, though of one protocol. */
export function* misunderstandings(sender: Sender, receiver: Receiver): Iterable<Problem> {
  const [from, to] = [nameOf(sender), nameOf(receiver)];
  const differ = (option: string, there: string, sentence: string, hint: string): Problem => problem('M082', { ...places(sender, receiver, option, there), sentence, hint });
  const oneOnly = (option: string, does: string, doesNot: string, hint: string, isSender: boolean): Problem => {
    const [with_, without] = isSender ? [from, to] : [to, from];
    return differ(option, option, `${with_} ${does}, and ${without} ${doesNot}`, hint);
  };
  if (sender.tls !== receiver.tls) yield oneOnly('ssl', 'speaks TLS', 'does not', 'ssl = true at both ends, or at none', sender.tls);
  if (sender.compressed !== receiver.compressed) yield oneOnly('compression-type', 'compresses', 'does not', 'compression-type = deflate at both ends, or at none', sender.compressed);
  if (sender.kerberos !== receiver.kerberos) yield oneOnly('kerberos', 'speaks Kerberos', 'does not', 'kerberos = true at both ends, or at none', sender.kerberos);
  if (sender.dialect !== receiver.dialect) yield differ('protocol', 'protocol', `${from} writes ${sender.dialect}, and ${to} reads ${receiver.dialect}`, 'the same protocol at both ends');
  if (receiver.asksForCertificate && sender.tls && !sender.showsCertificate) {
    yield differ('ssl', 'client-auth', `${to} asks for a certificate, and ${from} has none to show`, 'give the sink a keystore');
  }
  const [ours, theirs] = [sender.tlsChoice, receiver.tlsChoice];
  if (!ours || !theirs) return;
  if (ours.minVersion > theirs.maxVersion || ours.maxVersion < theirs.minVersion) {
    const versions = ({ minVersion: oldest, maxVersion: newest }: TlsChoice): string => (oldest === newest ? oldest : `${oldest} to ${newest}`);
    yield differ('exclude-protocols', 'include-protocols', `${from} speaks ${versions(ours)}, and ${to} ${versions(theirs)}`, 'include-protocols and exclude-protocols have to leave one version to both');
  } else if (!haveCommonCipher(ours, theirs)) {
    yield differ('include-cipher-suites', 'include-cipher-suites', `${from} and ${to} have no cipher suite in common`, 'include-cipher-suites and exclude-cipher-suites have to leave one to both');
  }
}

/** What one end does not name is what its TLS library has by default, and taken to fit. */
function haveCommonCipher(one: TlsChoice, other: TlsChoice): boolean {
  if (one.ciphers === undefined || other.ciphers === undefined) return true;
  // Those of TLS 1.3 have names of their own, and no other version uses them.
  const usable = (cipher: string): boolean => (cipher.startsWith('TLS_') ? one.maxVersion === 'TLSv1.3' && other.maxVersion === 'TLSv1.3' : one.minVersion !== 'TLSv1.3' && other.minVersion !== 'TLSv1.3');
  const theirs = new Set(other.ciphers.split(':'));
  return one.ciphers.split(':').some((cipher) => usable(cipher) && theirs.has(cipher));
}

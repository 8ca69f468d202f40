import { define } from '../../core/define.ts';
import { optional, string } from '../../core/options.ts';

/** Flume's `HadoopCredentialStoreConfigFilter` (part 1 §1.10). Java key stores are a format of the JVM, which Millrace does not read. */
export const hadoopFilter = define('config filter', {
  types: ['hadoop', 'org.apache.flume.configfilter.HadoopCredentialStoreConfigFilter'],
  summary: 'Takes the values of ${filter[key]} from a Hadoop credential store; not available.',
  options: {
    'credential.provider.path': string({ doc: 'Address of the credential store, for example jceks://file/etc/store.jceks.' }),
    'credstore.java-keystore-provider.password-file': optional(string({ doc: 'File with the password of the store.' })),
  },
  create: () => {
    throw new Error(
      'Hadoop credential stores (jceks) need a JVM; use a filter of the type "external" with a program that prints the secret, for example one around "hadoop credential"',
    );
  },
});

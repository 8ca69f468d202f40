import { define, type Finding } from '../core/define.ts';
import { boolean, choice, ignored, integer, option, optional, string, type Option, type Reading } from '../core/options.ts';

export const jmsSource = define('source', {
  types: ['jms', 'org.apache.flume.source.jms.JMSSource'],
  summary: 'Reads a queue or a topic of a message broker that Flume reaches by JMS.',
  options: {
    initialContextFactory: string({ doc: 'Java class that finds the broker; its package tells which broker it is.' }),
    providerURL: jndiName(true, 'Address of the broker.'),
    connectionFactory: jndiName(false, 'Name of the connection factory.'),
    destinationName: string({ doc: 'Queue or topic to read.' }),
    destinationType: choice({ values: ['queue', 'topic'], doc: 'Whether destinationName is a queue or a topic.' }),
    destinationLocator: choice({
      values: ['CDI', 'JNDI'],
      default: 'CDI',
      doc: 'Create the destination by its name, or look it up in the directory.',
    }),
    messageSelector: string({ default: '', doc: 'Condition on the properties of messages; only those that meet it are read.' }),
    userName: optional(string({ doc: 'User to log in as.' })),
    passwordFile: optional(string({ doc: 'File that holds the password.' })),
    batchSize: integer({ default: 100, min: 1, doc: 'Most events put into the channels at a time.' }),
    errorThreshold: integer({ default: 10, doc: 'Errors in a row after which the connection is made anew.' }),
    pollTimeout: integer({ default: 1000, min: 0, long: true, outside: 'refuse', doc: 'Milliseconds to wait for the first message of a batch.' }),
    clientId: optional(string({ doc: 'Name of this client for durable subscriptions.' })),
    createDurableSubscription: boolean({ default: false, doc: 'Have the broker keep messages of the topic while this source is away.' }),
    durableSubscriptionName: string({ default: '', doc: 'Name of the durable subscription.' }),
    'converter.type': choice({
      values: [
        'DEFAULT',
        'org.apache.flume.source.jms.DefaultJMSMessageConverter$Builder',
        'org.apache.flume.source.jms.DefaultJMSMessageConverter',
      ],
      default: 'DEFAULT',
      doc: 'How a message becomes an event: its properties are the headers, its content is the body.',
    }),
    'converter.charset': ignored({ doc: 'has no effect in Flume either: text is UTF-8' }),
  },
  check: checkSubscription,
  readableFiles: (values) => (values.passwordFile === undefined ? [] : ['passwordFile']),
  batchSizeOption: 'batchSize',
  flume: { polled: true, alwaysDropped: 'the classes of its JMS provider are not part of Flume' },
});

/** Directories that Java must not be sent to: a name there can make it load and run code. */
const closedSchemes = ['ldap', 'ldaps', 'rmi', 'iiop', 'iiopname', 'corbaname', 'dns', 'nis', 'nds', 'http', 'https', 'file'];

/**
 * Since 1.10 Flume takes no URI scheme but `java` unless the system property JndiAllowedProtocols names it. Whoever runs such a file has
 * set that property, so only schemes that are no broker's are faults here.
 */
function jndiName(required: boolean, doc: string): Option<string> {
  return option<string>('text', { doc }, required ? undefined : 'ConnectionFactory', undefined, (raw): Reading<string> => {
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(raw)?.[1];
    if (scheme === undefined || scheme === 'java') return { value: raw };
    if (closedSchemes.includes(scheme.toLowerCase())) {
      return { value: raw, bad: { effect: 'drop', sentence: `begins with ${scheme}:, where names are not looked up` } };
    }
    const sentence = `is read; Flume 1.11 reads it only with -DJndiAllowedProtocols=${scheme}`;
    return { value: raw, bad: { effect: 'warn', sentence } };
  });
}

interface Subscription {
  readonly createDurableSubscription: boolean;
  readonly durableSubscriptionName: string;
  readonly destinationType: 'queue' | 'topic';
  readonly clientId: string | undefined;
}

function checkSubscription(values: Subscription): readonly Finding[] {
  if (!values.createDurableSubscription) {
    if (values.durableSubscriptionName === '') return [];
    const sentence = 'is not used without createDurableSubscription = true';
    return [{ option: 'durableSubscriptionName', effect: 'warn', sentence }];
  }
  const findings: Finding[] = [];
  if (values.destinationType !== 'topic') {
    findings.push({ option: 'destinationType', effect: 'drop', sentence: 'has to be topic for a durable subscription' });
  }
  if (values.clientId === undefined) {
    findings.push({ option: 'clientId', effect: 'drop', sentence: 'is required for a durable subscription' });
  }
  if (values.durableSubscriptionName === '') {
    findings.push({ option: 'durableSubscriptionName', effect: 'drop', sentence: 'is required for a durable subscription' });
  }
  return findings;
}

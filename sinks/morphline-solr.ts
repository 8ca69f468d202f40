import { define } from '../core/define.ts';
import { boolean, integer, optional, prefix, string } from '../core/options.ts';

export const morphlineSolrSink = define('sink', {
  types: ['morphline_solr', 'org.apache.flume.sink.solr.morphline.MorphlineSolrSink'],
  summary: 'Has a morphline transform events and load them into Apache Solr.',
  options: {
    morphlineFile: string({ missing: 'refuse', doc: 'File with morphlines.' }),
    morphlineId: optional(string({ doc: 'Which morphline of the file; absent: the first.' })),
    batchSize: integer({ default: 1000, min: 1, outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
    batchDurationMillis: integer({ default: 1000, long: true, doc: 'Longest time in milliseconds that a batch is collected for.' }),
    handlerClass: string({
      default: 'org.apache.flume.sink.solr.morphline.MorphlineHandlerImpl',
      doc: 'Java class that runs the morphline.',
    }),
    isProductionMode: boolean({ default: false, doc: 'Pass over records that a morphline cannot handle, instead of failing.' }),
    isIgnoringRecoverableExceptions: boolean({ default: false, doc: 'Take errors that may pass for errors of the record.' }),
    recoverableExceptionClasses: string({
      default: 'org.apache.solr.client.solrj.SolrServerException',
      doc: 'Java classes of errors that may pass, separated by commas.',
    }),
    'morphlineVariable.*': prefix({ doc: 'Variables for the file: morphlineVariable.<name> = <value>.' }),
  },
  batchSizeOption: 'batchSize',
});

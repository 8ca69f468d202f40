import { define } from '../core/define.ts';
import { boolean, optional, prefix, string } from '../core/options.ts';

export const morphlineInterceptor = define('interceptor', {
  types: ['org.apache.flume.sink.solr.morphline.MorphlineInterceptor$Builder'],
  summary: 'Has a morphline transform or drop each event.',
  options: {
    morphlineFile: string({ doc: 'File with morphlines.' }),
    morphlineId: optional(string({ doc: 'Which morphline of the file; absent: the first.' })),
    isProductionMode: boolean({ default: false, doc: 'Pass over records that the morphline cannot handle, instead of failing.' }),
    isIgnoringRecoverableExceptions: boolean({ default: false, doc: 'Take errors that may pass for errors of the record.' }),
    recoverableExceptionClasses: optional(string({ doc: 'Java classes of errors that may pass, separated by commas.' })),
    'morphlineVariable.*': prefix({ doc: 'Variables for the file: morphlineVariable.<name> = <value>.' }),
  },
  readableFiles: () => ['morphlineFile'],
});

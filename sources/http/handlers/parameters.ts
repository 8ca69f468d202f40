import { Batch } from '../../../core/batch.ts';
import { define } from '../../../core/define.ts';
import { BadRequestError } from '../../../core/errors.ts';
import { list } from '../../../core/options.ts';

export const parametersHandler = define('http handler', {
  types: ['org.apache.flume.source.http.BLOBHandler'],
  summary: 'Makes one event of the body of a request; its headers are the parameters, some of which may be mandatory.',
  options: {
    mandatoryParameters: list({ default: [], separator: ',', doc: 'Parameters that a request must have, separated by commas.' }),
  },
  create: (_, { mandatoryParameters }) => ({
    handle({ body, parameters }) {
      const missing = mandatoryParameters.find((name) => !parameters.has(name));
      if (missing !== undefined) throw new BadRequestError(`the parameter ${missing} is missing`);
      return Batch.of([{ body, headers: parameters }]);
    },
  }),
});

/**
 * What a plug-in is written with. A plug-in's function gets all of it as its only argument, and `import … from 'millrace'` in a plug-in
 * finds this module too.
 */

export { Batch } from '../../core/batch.ts';
export { define } from '../../core/define.ts';
export { AgentError, BadRequestError, ChannelFullError, RejectedError } from '../../core/errors.ts';
export { boolean, choice, ignored, integer, list, optional, prefix, string } from '../../core/options.ts';

export type {
  Channel,
  ChannelStatus,
  ConfigFilter,
  Context,
  DecodeErrorPolicy,
  DeliverOptions,
  Description,
  Deserializer,
  DeserializerContext,
  EventReader,
  EventsRead,
  FilePosition,
  HttpHandler,
  HttpRequest,
  InputFile,
  Interceptor,
  Kind,
  PartContext,
  Route,
  Selector,
  SelectorContext,
  Serializer,
  Sink,
  SinkProcessor,
  SinkProcessorContext,
  Source,
  SourceContext,
  Transaction,
} from '../../core/component.ts';
export type { AnyDefinition, Definition, Finding, OptionTable, Values } from '../../core/define.ts';
export type { Event } from '../../core/event.ts';
export type { Logger } from '../../core/log.ts';

import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { hostInterceptor } from './host.ts';
import { regexExtractorInterceptor } from './regex-extractor.ts';
import { regexFilterInterceptor } from './regex-filter.ts';
import { removeHeaderInterceptor } from './remove-header.ts';
import { searchReplaceInterceptor } from './search-replace.ts';
import { staticInterceptor } from './static.ts';
import { timestampInterceptor } from './timestamp.ts';
import { uuidInterceptor } from './uuid.ts';
import { morphlineInterceptor } from './morphline.ts';

const all: readonly AnyDefinition<'interceptor'>[] = [
  timestampInterceptor,
  hostInterceptor,
  staticInterceptor,
  removeHeaderInterceptor,
  searchReplaceInterceptor,
  regexFilterInterceptor,
  regexExtractorInterceptor,
  uuidInterceptor,
  morphlineInterceptor,
];

export const interceptors = new Registry('interceptor', all);

/** All side-by-side cases. */

import type { CompatCase } from '../side-by-side.ts';
import { httpCases } from './http.ts';
import { interceptorCases } from './interceptors.ts';
import { netcatCases, netcatUdpCases } from './netcat.ts';
import { execCases, generatorCases } from './processes.ts';
import { groupCases, selectorCases } from './routing.ts';
import { spooldirCases } from './spooldir.ts';
import { syslogCases } from './syslog.ts';
import { taildirCases } from './taildir.ts';
import { fileRollCases, loggerCases, metricsCases } from './sinks.ts';

export const compatCases: readonly CompatCase[] = [
  ...netcatCases, ...netcatUdpCases, ...execCases, ...generatorCases, ...spooldirCases, ...httpCases, ...syslogCases, ...taildirCases, ...interceptorCases, ...selectorCases, ...groupCases, ...fileRollCases, ...loggerCases, ...metricsCases,
];

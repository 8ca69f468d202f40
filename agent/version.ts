import { readBuildFacts } from './installation.ts';

/** Of the package: `0.1.0`. */
export const { version } = readBuildFacts();

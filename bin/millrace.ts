import { main } from '../agent/cli.ts';

process.exit(await main(process.argv.slice(2)));

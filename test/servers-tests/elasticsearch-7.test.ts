import { elasticsearchMissing, startElasticsearch } from '../servers/elasticsearch.ts';
import { searchCases } from './search-cases.ts';

const missing = process.env['MILLRACE_LONG'] === '1' ? elasticsearchMissing() : 'npm run test:servers runs it against Elasticsearch 7.17';
searchCases('Elasticsearch 7.17', missing, (options) => startElasticsearch(7, options));

import { elasticsearchMissing, startElasticsearch } from '../servers/elasticsearch.ts';
import { searchCases } from './search-cases.ts';

const missing = process.env['MILLRACE_LONG'] === '1' ? elasticsearchMissing() : 'npm run test:servers runs it against Elasticsearch 8.19';
searchCases('Elasticsearch 8.19', missing, (options) => startElasticsearch(8, { ...options, login: { username: 'writer', password: 'sesame-open-93' } }));

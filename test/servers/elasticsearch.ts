/** Elasticsearch 8.19 and 7.17. */
import { getSearchEngine, searchEngineMissing, startSearchEngine, type Distribution, type SearchEngine, type SearchOptions } from './search-engine.ts';

const ARTEFACT = 'org.elasticsearch.distribution.integ-test-zip:elasticsearch';
const VERSIONS: Readonly<Record<7 | 8, Distribution>> = {
  7: { name: 'elasticsearch', version: '7.17.29', artefact: ARTEFACT },
  8: { name: 'elasticsearch', version: '8.19.21', artefact: ARTEFACT },
};

export const elasticsearchMissing = searchEngineMissing;
export const getElasticsearch = (version: 7 | 8): Promise<string> => getSearchEngine(VERSIONS[version]);
export const startElasticsearch = (version: 7 | 8, options?: SearchOptions): Promise<SearchEngine> => startSearchEngine(VERSIONS[version], options);

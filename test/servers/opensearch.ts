/** OpenSearch 2.19. */
import { getSearchEngine, searchEngineMissing, startSearchEngine, type Distribution, type SearchEngine, type SearchOptions } from './search-engine.ts';

const OPENSEARCH: Distribution = { name: 'opensearch', version: '2.19.6', artefact: 'org.opensearch.distribution.integ-test-zip:opensearch' };

export const openSearchMissing = searchEngineMissing;
export const getOpenSearch = (): Promise<string> => getSearchEngine(OPENSEARCH);
export const startOpenSearch = (options?: SearchOptions): Promise<SearchEngine> => startSearchEngine(OPENSEARCH, options);

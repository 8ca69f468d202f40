import { openSearchMissing, startOpenSearch } from '../servers/opensearch.ts';
import { searchCases } from './search-cases.ts';

searchCases('OpenSearch 2.19', openSearchMissing(), startOpenSearch);

// The client library for Kafka as it is built in. By itself it is loaded from 330 files and those of its dependencies, compiles the JSON schemas
// of all options of all its calls, and brings clients of schema registries: 0.6 s and 14 MB for nothing, since Millrace makes a few calls,
// with options of its own making.
const LIBRARY = /[/\\]@platformatic[/\\]kafka[/\\]dist[/\\]/;

/** In place of Ajv: a schema is compiled when it is first asked. */
const AJV_ON_DEMAND = `
export class Ajv2020 {
  #options;
  #keywords = [];
  #ajv;
  constructor(options) {
    this.#options = options;
  }
  addKeyword(keyword) {
    this.#keywords.push(keyword);
  }
  compile(schema) {
    let compiled;
    const validate = (data) => {
      compiled ??= this.#real().compile(schema);
      const isValid = compiled(data);
      validate.errors = compiled.errors;
      return isValid;
    };
    return validate;
  }
  #real() {
    if (this.#ajv) return this.#ajv;
    this.#ajv = new (require('ajv/dist/2020.js').Ajv2020)(this.#options);
    for (const keyword of this.#keywords) this.#ajv.addKeyword(keyword);
    return this.#ajv;
  }
}
`;

/** A plugin of esbuild. */
export const kafkaLibrary = {
  name: 'kafka-library',
  setup(build) {
    const ofLibrary = (filter, found) => build.onResolve({ filter }, ({ importer, ...rest }) => (LIBRARY.test(importer) ? found({ importer, ...rest }) : undefined));
    ofLibrary(/^ajv\/dist\/2020\.js$/, ({ resolveDir }) => ({ path: 'ajv', namespace: 'kafka-library', pluginData: { contents: AJV_ON_DEMAND, resolveDir } }));
    ofLibrary(/^\.\/registries\/index\.js$/, ({ resolveDir }) => ({ path: 'registries', namespace: 'kafka-library', pluginData: { contents: 'export {};', resolveDir } }));
    // The same with its WebAssembly as a part of the text, in place of a file beside it.
    ofLibrary(/^@platformatic\/wasm-utils$/, ({ path, kind, resolveDir }) => build.resolve(`${path}/bundled`, { kind, resolveDir }));
    build.onLoad({ filter: /.*/, namespace: 'kafka-library' }, ({ pluginData }) => pluginData);
  },
};

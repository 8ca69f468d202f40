import { join } from 'node:path';
import { environmentFor } from './child-environment.ts';
import { readSmallFile } from './small-file.ts';

/** Hadoop's configuration: property to value. */
export type HadoopSite = ReadonlyMap<string, string>;

let folders: readonly string[] = [];

/** Folders in which site files are looked for besides HADOOP_CONF_DIR: what `--conf` names is on the class path of Flume. */
export function lookForHadoopSiteIn(places: readonly string[]): void {
  folders = places;
}

/** The user that Hadoop's programs act for here, and who runs this process otherwise. */
export function hadoopUser(): string {
  const { HADOOP_USER_NAME } = environmentFor(['HADOOP_USER_NAME']);
  return HADOOP_USER_NAME || process.getBuiltinModule('node:os').userInfo().username;
}

/** core-site.xml and hdfs-site.xml of the first folder that has one of them; empty where none has. Throws what the system said. */
export function readHadoopSite(): { readonly site: HadoopSite; readonly folder: string | undefined } {
  const { HADOOP_CONF_DIR } = environmentFor(['HADOOP_CONF_DIR']);
  for (const folder of [...folders, ...(HADOOP_CONF_DIR ? [HADOOP_CONF_DIR] : [])]) {
    const texts = ['core-site.xml', 'hdfs-site.xml'].map((name) => readSmallFile(join(folder, name)));
    if (texts.some((text) => text !== undefined)) return { site: parseHadoopSite(texts.map((text) => text ?? '')), folder };
  }
  return { site: new Map(), folder: undefined };
}

/** Later texts win. `${name}` in a value stands for another property. */
export function parseHadoopSite(texts: readonly string[]): HadoopSite {
  const raw = new Map<string, string>();
  for (const text of texts) {
    for (const [, property = ''] of text.replace(/<!--[\s\S]*?-->/g, '').matchAll(/<property>([\s\S]*?)<\/property>/g)) {
      const name = /<name>([\s\S]*?)<\/name>/.exec(property)?.[1];
      const value = /<value>([\s\S]*?)<\/value>/.exec(property)?.[1];
      if (name !== undefined && value !== undefined) raw.set(unescapeXml(name).trim(), unescapeXml(value).trim());
    }
  }
  return new Map([...raw].map(([name, value]) => [name, expand(value, raw)]));
}

function expand(value: string, raw: HadoopSite): string {
  let text = value;
  // As deep as Hadoop goes, so that names which stand for one another come to an end.
  for (let depth = 0; depth < 20 && text.includes('${'); depth++) {
    const next = text.replace(/\$\{([^}$\s]+)\}/g, (whole, name: string) => raw.get(name) ?? whole);
    if (next === text) break;
    text = next;
  }
  return text;
}

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name] ?? '');
}

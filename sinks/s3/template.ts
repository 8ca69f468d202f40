/** Folder and name of the objects as one text: no slash in front, one between. */
export function templateOf(prefix: string, name: string): string {
  const folder = prefix.replace(/^\/+/, '');
  return folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

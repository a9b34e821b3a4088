/** What is measured is the package as users get it: compiled, without tsx between. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('.', import.meta.url));
const COMPILER = new URL('../../node_modules/typescript/bin/tsc', import.meta.url);

/** Compiles the package and this folder to `dist`; throws with the compiler's words. */
export function build(): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(COMPILER), '-b', PROJECT],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`it does not compile:\n${stdout}${stderr}`);
}

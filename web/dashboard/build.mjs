// Bundles the page into dist/; with --tests, the tests into node_modules/.cache/tests/ for `node --test`.
import { build } from 'esbuild';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';

const shared = { bundle: true, format: 'esm', logLevel: 'warning' };

async function page() {
  // Files, not the folder, are replaced: a daemon that serves dist/ must never find it gone.
  await mkdir('dist', { recursive: true });
  await cp('src/index.html', 'dist/index.html');
  await build({
    ...shared,
    entryPoints: [
      { in: 'src/main.ts', out: 'app' },
      { in: 'src/app.css', out: 'app' },
    ],
    outdir: 'dist',
    target: ['chrome100', 'firefox100', 'safari15.4'],
    minify: true,
    charset: 'utf8',
  });
}

async function tests() {
  const out = 'node_modules/.cache/tests';
  await rm(out, { recursive: true, force: true });
  const names = (await readdir('test')).filter((name) => name.endsWith('.test.ts'));
  await build({
    ...shared,
    entryPoints: names.map((name) => `test/${name}`),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
  });
}

await (process.argv.includes('--tests') ? tests() : page());

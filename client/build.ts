import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * Writes the package as it is published, by default into dist: JavaScript with its types. In this repository other workspaces
 * import the TypeScript directly. `--out <folder>` names another folder.
 */
const root = join(import.meta.dirname, '..')
const { out = join(import.meta.dirname, 'dist') } = parseArgs({ options: { out: { type: 'string' } } }).values

rmSync(out, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const emit = [
  '--noEmit',
  'false',
  '--declaration',
  '--rewriteRelativeImportExtensions',
  '--rootDir',
  join(import.meta.dirname, 'src'),
  '--outDir',
  out,
]
execFileSync(process.execPath, [compiler, '-p', import.meta.dirname, ...emit], { stdio: 'inherit' })

const {
  devDependencies: _development,
  private: _private,
  ...manifest
} = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
const exports = { types: './index.d.ts', default: './index.js' }
writeFileSync(join(out, 'package.json'), `${JSON.stringify({ ...manifest, exports }, undefined, 2)}\n`)
cpSync(join(import.meta.dirname, 'README.md'), join(out, 'README.md'))
cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'))

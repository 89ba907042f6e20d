// Runs a command of the stack: `node stack/start.mjs` with one of the names below.
// Plain JavaScript for any Node from 20 on: nothing is installed yet when it begins.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.clientele-lock')
const node = join(root, 'node_modules', '.bin', 'node')
const commands = {
  start: ['start.ts'],
  dev: ['start.ts', '--watch'],
  test: ['test.ts'],
  faults: ['faults.ts'],
  imports: ['imports.ts'],
  bench: ['bench.ts'],
  images: ['images.ts'],
  compose: ['compose.ts'],
  migrate: ['migrate.ts'],
  superuser: ['superuser.ts'],
  import: ['import.ts'],
  doctor: ['doctor.ts'],
  backup: ['backup.ts'],
  restore: ['restore.ts'],
  consistency: ['consistency.ts'],
  'test-backup': ['backup-suite.ts'],
  clean: ['clean.ts'],
}

const fail = (text) => {
  console.error(text)
  process.exit(1)
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 12)) {
  fail(
    `Clientele needs Node 20.12 or newer to begin with; this is ${process.versions.node}. Node 24 comes with its dependencies.`,
  )
}
const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name)
  ? commands[name]
  : fail(`unknown command "${name}": one of ${Object.keys(commands).join(', ')}`)

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const isStamped = () => existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock
// After somebody's own `npm install` the stamp is old, but what npm says it has installed may be what the lock asks for.
const matchesLock = () => {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(node) || !existsSync(installed)) return false
  const has = JSON.parse(readFileSync(installed, 'utf8')).packages
  const wants = Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages)
  return wants.every(([path, { version, optional, link }]) => {
    if (!path.includes('node_modules/') || link) return true
    return has[path] ? has[path].version === version : Boolean(optional)
  })
}
if (!isStamped() && matchesLock()) writeFileSync(stamp, lock)
if (!isStamped()) {
  console.log('installing dependencies (npm ci)')
  const npm = process.env.npm_execpath
  const [file, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { status } = spawnSync(file, [...before, 'ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) fail('npm ci failed: its message is above')
  if (!existsSync(node)) fail(`there is no Node 24 for ${process.platform}-${process.arch} among the dependencies`)
  writeFileSync(stamp, lock)
}

if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':')
const [script = '', ...fixed] = command
const child = spawn(node, [join(root, 'stack', 'src', script), ...fixed, ...args], {
  cwd: root,
  env: { ...process.env, PATH: path },
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
// The child stops things in order and ends by itself; a signal that it did not get from the terminal is passed on.
process.on('SIGINT', () => child.kill('SIGINT'))
process.on('SIGTERM', () => child.kill('SIGTERM'))
process.on('SIGHUP', () => child.kill('SIGHUP'))
child.on('error', (error) => fail(error.message))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))

// When npm is killed, its command would go on without anybody to stop it. npm runs it by a shell, or is our parent itself.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid
  const ask = (field, pid) =>
    spawnSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? ''
  const npm = /^(sh|dash|bash|zsh)$/.test(basename(ask('comm', parent))) ? Number(ask('ppid', parent)) : parent
  const isThere = (pid) => {
    try {
      process.kill(pid, 0)
      return ask('stat', pid)[0] !== 'Z'
    } catch {
      return false
    }
  }
  setInterval(() => {
    if (process.ppid !== parent || (npm > 1 && !isThere(npm))) child.kill('SIGTERM')
  }, 2000).unref()
}

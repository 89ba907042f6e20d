// Runs a command of the stack: `node stack/start.mjs <name>`, with a name from the list below.
// It is plain JavaScript for Node 20 and newer, because nothing is installed yet when it starts.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.clientele-lock')
const node = join(root, 'node_modules', '.bin', 'node')
const commands = {
  start: ['start.ts'],
  dev: ['start.ts', '--watch'],
  stop: ['stop.ts'],
  test: ['test.ts'],
  faults: ['faults.ts'],
  imports: ['imports.ts'],
  bench: ['bench.ts'],
  images: ['images.ts'],
  compose: ['compose.ts'],
  migrate: ['migrate.ts'],
  superuser: ['superuser.ts'],
  'realm-upgrade': ['realm-upgrade.ts'],
  'machine-account': ['machine-account.ts'],
  import: ['import.ts'],
  'broker-account': ['broker-account.ts'],
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
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Clientele needs Node 20.19 or newer to start; this is ${process.versions.node}. Node 24 comes with its dependencies.`,
  )
}
const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name)
  ? commands[name]
  : fail(`unknown command "${name}"; use one of ${Object.keys(commands).join(', ')}`)

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const isStamped = () => existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock
// After a manual `npm install` the stamp is outdated, but the installed packages may match the lock file.
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
if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
process.env.CLIENTELE_STARTED_AT = String(Date.now())
const logProgress = (source, text) => {
  const seconds = ((Date.now() - Number(process.env.CLIENTELE_STARTED_AT)) / 1000).toFixed(1).padStart(6)
  console.log(`${seconds} s  ${source.padEnd(17)} ${text}`)
}

// Children stop their processes in order and then end. Pass on signals, because they may not have come from the terminal.
const children = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    for (const child of children) child.kill(signal)
  })

/** Runs a program to its end. @returns its exit code, or undefined if it could not run or was killed */
const run = (file, args, options) =>
  new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'inherit', ...options })
    children.add(child)
    const end = (code) => {
      children.delete(child)
      resolve(code ?? undefined)
    }
    child.once('error', () => end(undefined))
    child.once('exit', end)
  })
const npm = (args, options) => {
  const script = process.env.npm_execpath
  return script?.endsWith('.js') ? run(process.execPath, [script, ...args], options) : run('npm', args, options)
}

// Downloads what a first start needs besides npm packages, at the same time, with a Node that can run TypeScript.
const prepare = async () => {
  const script = join(root, 'stack', 'src', 'prepare.ts')
  const args = [script, ...(['test', 'bench'].includes(name) ? ['--browser'] : [])]
  if (major > 22 || (major === 22 && minor >= 18)) return run(process.execPath, args, { cwd: root })
  const platform = `node-${process.platform}-${process.arch}`
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies[platform]
  if (!version) return undefined
  // Not in the project's folder: npm would look for the package in node_modules, which is being installed.
  const exec = ['exec', '--yes', '--loglevel=error', `--package=${platform}@${version}`, '--', 'node', ...args]
  return npm(exec, { cwd: tmpdir() })
}
const needsBackingServices =
  ['start', 'dev', 'test', 'bench', 'faults', 'imports', 'test-backup'].includes(name) &&
  !args.includes('--suite=quick')

if (!isStamped()) {
  logProgress('dependencies', 'installing (npm ci)')
  const from = Date.now()
  const installed = npm(['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root })
  const prepared = needsBackingServices ? prepare() : undefined
  if ((await installed) !== 0) fail('npm ci failed; its message is above')
  if (!existsSync(node)) fail(`there is no Node 24 for ${process.platform}-${process.arch} among the dependencies`)
  writeFileSync(stamp, lock)
  logProgress('dependencies', `ready (${((Date.now() - from) / 1000).toFixed(1)} s)`)
  await prepared
}

const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':')
const [script = '', ...fixed] = command
const child = spawn(node, [join(root, 'stack', 'src', script), ...fixed, ...args], {
  cwd: root,
  env: { ...process.env, PATH: path },
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
children.add(child)
child.on('error', (error) => fail(error.message))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))

// If npm is killed, stop the command. npm is our parent, or the parent of the shell that it runs us with.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid
  const ask = (field, pid) =>
    spawnSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? ''
  const npmId = /^(sh|dash|bash|zsh)$/.test(basename(ask('comm', parent))) ? Number(ask('ppid', parent)) : parent
  const isAlive = (pid) => {
    try {
      process.kill(pid, 0)
      return ask('stat', pid)[0] !== 'Z'
    } catch {
      return false
    }
  }
  setInterval(() => {
    if (process.ppid !== parent || (npmId > 1 && !isAlive(npmId))) child.kill('SIGTERM')
  }, 2000).unref()
}

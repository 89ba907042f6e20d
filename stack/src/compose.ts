import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker } from './backing/docker.ts'
import { projectRoot } from './processes/folders.ts'
import { interruption, runJest } from './testing/jest-run.ts'
import { conclude } from './testing/suite.ts'
import { composeSuite, verdictOf } from './testing/verdict.ts'

// A project of its own: containers, volumes and images of a person's Compose are not touched.
const project = `clientele-test-${randomBytes(4).toString('hex')}`
const folder = mkdtempSync(join(tmpdir(), `${project}-`))
const env = { ...process.env, TEST_COMPOSE_PROJECT: project, TEST_COMPOSE_FOLDER: folder }
const stopping = interruption()
const args = process.argv.slice(2)
// Takes the place of the configuration's patterns, which leave the suite out.
const chosen = [composeSuite, '--testPathIgnorePatterns=/node_modules/']
const verdict = verdictOf(await runJest(env, [...chosen, ...args], stopping), args)

// Where it was interrupted, all of it is still there.
const down = ['compose', '--project-name', project, 'down', '--volumes', '--remove-orphans']
await docker(down, { timeout: 300_000, cwd: projectRoot }).catch((error: Error) => verdict.remarks.push(error.message))
// By name: what is built from the same files is the same image, and has a name of a person's, too.
const named = ['images', '--format', '{{.Repository}}:{{.Tag}}', `${project}/*`]
const images = (await docker(named)).split('\n').filter((name) => name !== '' && !name.endsWith(':<none>'))
if (images.length > 0) await docker(['image', 'rm', ...images], { timeout: 120_000 }).catch(() => '')
rmSync(folder, { recursive: true, force: true })
conclude(verdict, stopping)

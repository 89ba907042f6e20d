import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker } from './backing/docker.ts'
import { projectRoot } from './processes/folders.ts'
import { interruptSignal, runJest } from './testing/jest-run.ts'
import { exitWithResult } from './testing/suite.ts'
import { resultOf } from './testing/suite-result.ts'
import { composeSuite } from './testing/suites.ts'

// Its own Compose project: containers, volumes and images of other projects are not touched.
const project = `clientele-test-${randomBytes(4).toString('hex')}`
const folder = mkdtempSync(join(tmpdir(), `${project}-`))
const env = { ...process.env, TEST_COMPOSE_PROJECT: project, TEST_COMPOSE_FOLDER: folder }
const stopping = interruptSignal()
const args = process.argv.slice(2)
// Replaces the patterns of jest.config.js, which exclude the suite.
const chosen = [composeSuite, '--testPathIgnorePatterns=/node_modules/']
const result = resultOf(await runJest(env, [...chosen, ...args], stopping), args)

// If the run was interrupted, all containers still exist.
const down = ['compose', '--profile', '*', '--project-name', project, 'down', '--volumes', '--remove-orphans']
await docker(down, { timeout: 300_000, cwd: projectRoot }).catch((error: Error) => result.remarks.push(error.message))
// Remove by name: an image of another project may have the same id, because it was built from the same files.
const named = ['images', '--format', '{{.Repository}}:{{.Tag}}', `${project}/*`]
const images = (await docker(named)).split('\n').filter((name) => name !== '' && !name.endsWith(':<none>'))
if (images.length > 0) await docker(['image', 'rm', ...images], { timeout: 120_000 }).catch(() => '')
rmSync(folder, { recursive: true, force: true })
exitWithResult(result, stopping)

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

const root = resolve(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

type Step = { run?: string; uses?: string }
type Workflow = {
  on: { push: { branches?: string[]; tags?: string[] }; pull_request?: null }
  permissions: Record<string, string>
  jobs: Record<string, { 'runs-on': string; permissions?: Record<string, string>; steps: Step[] }>
}
const names = ['ci', 'release', 'scan']
const workflow = (name: string) => parse(read(`.github/workflows/${name}.yml`)) as Workflow
const commandsOf = ({ jobs }: Workflow, job: string) => jobs[job]?.steps.map(({ run }) => run ?? '').join('\n') ?? ''
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

describe('The workflows of GitHub Actions', () => {
  it('CI runs checks, tests, Compose and the chart on Ubuntu for each push to main and each pull request', () => {
    const ci = workflow('ci')
    expect(ci.on).toEqual({ push: { branches: ['main'] }, pull_request: null })
    for (const job of Object.values(ci.jobs)) expect(job['runs-on']).toMatch(/^ubuntu-/)
    expect(commandsOf(ci, 'test')).toContain('.ci/run')
    expect(commandsOf(ci, 'compose')).toContain('npm run test:compose')
    expect(commandsOf(ci, 'chart')).toContain('npm run lint:chart')
    expect(read('.ci/run').match(/^(npm run|suite) .*?(?= \||$)/gm)).toEqual([
      'npm run check',
      'suite test',
      'suite test:extended',
    ])
  })

  it('a version tag publishes scanned and signed images of every service, and the chart', () => {
    const release = workflow('release')
    expect(release.on.push.tags).toEqual(['v*.*.*'])
    const build = commandsOf(release, 'build')
    expect(build).toContain('require("./services.json")')
    expect(build).toMatch(/npm run images[\s\S]*trivy image[\s\S]*docker save/)
    expect(commandsOf(release, 'publish')).toMatch(/sha256sum --check[\s\S]*docker push[\s\S]*cosign sign/)
    expect(commandsOf(release, 'chart')).toMatch(/helm push[\s\S]*cosign sign/)
  })

  it('every action is pinned to a commit, next to its version', () => {
    for (const name of names) {
      const uses = read(`.github/workflows/${name}.yml`).match(/uses: .*/g) ?? []
      expect(uses.length).toBeGreaterThan(1)
      expect(uses.filter((line) => !/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
    }
  })

  it('no job that may publish or sign runs code of the repository or its dependencies', () => {
    for (const name of names) {
      const { permissions, jobs } = workflow(name)
      expect(permissions).toEqual({ contents: 'read' })
      for (const [job, { permissions: own = {} }] of Object.entries(jobs))
        if (Object.values(own).includes('write'))
          expect(commandsOf(workflow(name), job)).not.toMatch(/npm|node|npx|\.ci/)
    }
  })

  it('dependencies, actions and images are updated every week, and scanned between releases', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as { updates: Record<string, unknown>[] }
    expect(updates.map((update) => update['package-ecosystem'])).toEqual(
      expect.arrayContaining(['npm', 'github-actions', 'docker', 'docker-compose']),
    )
    const scan = workflow('scan')
    expect(scan.on).toHaveProperty('schedule')
    expect(commandsOf(scan, 'dependencies')).toContain('trivy fs')
    expect(commandsOf(scan, 'images')).toContain('trivy image')
  })

  it.each(names)('every script that the workflow %s runs exists', (name) => {
    const commands = Object.keys(workflow(name).jobs).map((job) => commandsOf(workflow(name), job))
    const named = commands.join('\n').matchAll(/npm run ([\w:-]+)/g)
    expect([...named].map(([, script = '']) => script).filter((script) => !scripts[script])).toEqual([])
    for (const [file] of commands.join('\n').matchAll(/\.ci\/\w+/g)) expect(existsSync(join(root, file))).toBe(true)
  })
})

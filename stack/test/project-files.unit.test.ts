import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'

type Package = { license: string; version: string; scripts?: Record<string, string> } & Partial<
  Record<'dependencies' | 'devDependencies', Record<string, string>>
>
const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8')
const packageOf = (folder: string) => JSON.parse(read(join(folder, 'package.json'))) as Package
const folders = readdirSync(projectRoot).filter((name) => existsSync(join(projectRoot, name, 'package.json')))
const { scripts = {}, version } = packageOf('.')
const documents = globSync(['*.md', '{docs,k8s,deploy,.github}/**/*.md', '*/*.md'], { cwd: projectRoot }).filter(
  (file) => !file.startsWith('node_modules'),
)
const records = readdirSync(join(projectRoot, 'docs', 'adr')).filter((name) => /^\d{4}-/.test(name))

describe('The license', () => {
  it('LICENSE and every package name the Apache License 2.0', () => {
    expect(read('LICENSE')).toContain('Apache License\n                           Version 2.0')
    expect(folders.length).toBeGreaterThan(8)
    for (const folder of ['.', ...folders]) expect([folder, packageOf(folder).license]).toEqual([folder, 'Apache-2.0'])
  })
})

describe('The documents', () => {
  it('README and CONTRIBUTING say how to fork, clone, start, test and stop', () => {
    for (const text of ['git clone', '\nnpm start\n', '`npm stop`', '`npm test`', '(CONTRIBUTING.md)'])
      expect(read('README.md')).toContain(text)
    expect(read('CONTRIBUTING.md')).toMatch(/fork/i)
  })

  it('README and CONTRIBUTING describe every script of package.json', () => {
    const named = [...`${read('README.md')}${read('CONTRIBUTING.md')}`.matchAll(/npm (?:run )?([\w:-]+)/g)]
    expect(Object.keys(scripts).filter((script) => !named.some(([, name]) => name === script))).toEqual([])
  })

  it.each(['README.md', 'CONTRIBUTING.md', 'docs/operate.md', 'docs/adding-a-service.md'])(
    'every npm command that %s names exists',
    (file) => {
      const named = [...read(file).matchAll(/`npm (?:run )?([\w:-]+)|^npm (?:run )?([\w:-]+)/gm)]
      const names = named.map(([, inline, block]) => inline ?? block ?? '')
      expect(names.length).toBeGreaterThan(0)
      expect(names.filter((name) => !['ci', 'install', 'run', ...Object.keys(scripts)].includes(name))).toEqual([])
    },
  )

  it('every relative link of a document leads to a file', () => {
    const broken = documents.flatMap((document) => {
      const text = read(document).replaceAll(/^```.*?^```/gms, '')
      return [...text.matchAll(/\]\(([^)\s#:]+)(?:#[^)\s]*)?\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !existsSync(join(projectRoot, dirname(document), link)))
        .map((link) => `${document}: ${link}`)
    })
    expect(documents.length).toBeGreaterThan(50)
    expect(broken).toEqual([])
  })

  it('there are templates for issues and pull requests, and a changelog', () => {
    expect(readdirSync(join(projectRoot, '.github', 'ISSUE_TEMPLATE'))).toEqual(
      expect.arrayContaining(['bug.md', 'idea.md', 'question.md']),
    )
    expect(read('.github/PULL_REQUEST_TEMPLATE.md')).toContain('npm test')
    expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## \\[(Unreleased|${version})\\]`, 'm'))
  })
})

describe('The decision records', () => {
  it('every decision record is in the list and has context, decision and consequences', () => {
    const list = read('docs/adr/README.md')
    for (const name of records) {
      expect(list).toContain(`(${name})`)
      const headings = [...read(`docs/adr/${name}`).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
      expect([name, ...headings.slice(0, 3)]).toEqual([name, 'Context', 'Decision', 'Consequences'])
    }
  })

  it('a decision record names every library that a package depends on', () => {
    const text = records.map((name) => read(`docs/adr/${name}`).toLowerCase()).join('\n')
    const libraries = ['.', ...folders.filter((name) => name !== 'bench')]
      .flatMap((folder) => Object.keys({ ...packageOf(folder).dependencies, ...packageOf(folder).devDependencies }))
      .filter((name) => !/^@(clientele|types)\//.test(name))
    // Of a scope such as @opentelemetry the name of the project is enough.
    const nameOf = (library: string) => /^@(\w+?)(?:js)?\//.exec(library)?.[1] ?? library
    const mention = (name: string) => new RegExp(`\\b${name.replaceAll(/[^\w]/g, '.')}`)
    expect(libraries.filter((library) => !mention(nameOf(library)).test(text))).toEqual([])
  })
})

describe('The scripts of package.json', () => {
  it('npm run check checks format, lint, types, imports, generated files, services and unused code', () => {
    const steps = scripts.check?.split(' && ') ?? []
    for (const step of [
      /^biome check \.$/,
      /^tsc -p \.$/,
      /^depcruise /,
      /generate\.ts --check$/,
      /check-services\.ts$/,
      /^knip$/,
    ])
      expect(steps).toContainEqual(expect.stringMatching(step))
    expect(JSON.parse(read('tsconfig.json'))).toMatchObject({ compilerOptions: { strict: true } })
  })

  it.each([
    ['test:coverage', ['--coverage', '--coverageReporters=text-summary']],
    ['test:report', ['--coverage', '--verbose', '--coverageReporters=text']],
    ['test:html', ['--coverage', '--coverageReporters=html']],
  ])('npm run %s runs the tests with %j', (script, options) => {
    const [node, start, command, ...args] = scripts[script]?.split(' ') ?? []
    expect([node, start, command]).toEqual(['node', 'stack/start.mjs', 'test'])
    expect(args.sort()).toEqual(expect.arrayContaining(options))
  })
})

describe('The migrations', () => {
  it('no migration of a service creates a column for passwords', () => {
    const files = folders.filter((name) => existsSync(join(projectRoot, name, 'migrations')))
    const sql = files.flatMap((folder) =>
      readdirSync(join(projectRoot, folder, 'migrations')).map((file) => read(join(folder, 'migrations', file))),
    )
    expect(sql.length).toBeGreaterThan(5)
    expect(
      sql.join('\n').match(/^\s*(add column )?\w*(password|credential)\w* (text|varchar|bytea|jsonb).*$/gim),
    ).toBeNull()
  })
})

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@clientele/client'
import { client } from '@clientele/platform/testing/client'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { projectRoot } from '@clientele/stack/processes/folders'
import { freePorts } from '@clientele/stack/profile/ports'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { openBrowser, signInAtKeycloak } from '../browser.ts'
import { differenceFromPicture } from '../readme.ts'
import { type System, startSystem } from '../system.ts'
import { codeBlocks } from './code-blocks.ts'

const run = promisify(execFile)
const example = join(projectRoot, 'examples', 'front-end')
const dist = mkdtempSync(join(tmpdir(), 'clientele-front-end-'))
const surnames = [
  'Bartik',
  'Borg',
  'Clarke',
  'Easley',
  'Franklin',
  'Goldberg',
  'Hamilton',
  'Hopper',
  'Johnson',
  'Keller',
]
const people = [...surnames, 'Lamarr', 'Wilson'].map((surname) => ({ name: 'Grace', surname }))

let system: System
let browser: Browser
let server: ChildProcess
let development: ChildProcess
let developmentOrigin = ''
let user: SignedInUser
let origin = ''
let page: Page
const browserErrors: string[] = []

/** Lets pages of the origin sign in, as FRONT_END_ORIGINS does. */
const allowOrigin = async (): Promise<void> => {
  type Found = { id: string; redirectUris: string[]; webOrigins: string[] }
  const realm = realmAdmin()
  const [found] = (await realm.call<Found[]>('GET', '/clients?clientId=clientele-console')).body
  if (!found) throw new Error('the realm has no client clientele-console')
  const redirectUris = [...found.redirectUris, `${origin}/`]
  await realm.call('PUT', `/clients/${found.id}`, { ...found, redirectUris, webOrigins: [...found.webOrigins, origin] })
}

const photo = async (colour: string): Promise<Blob> => {
  const image = sharp({ create: { width: 80, height: 80, channels: 3, background: colour } })
  return new Blob([new Uint8Array(await image.png().toBuffer())], { type: 'image/png' })
}
const createCustomers = async (): Promise<void> => {
  const clientele = createClient({ baseUrl: system.gateway, getToken: () => user.token })
  for (const [index, { name, surname }] of people.entries()) {
    const { id } = await clientele.media.upload({ file: await photo(`hsl(${index * 30}, 60%, 60%)`) })
    const email = `${surname.toLowerCase()}@example.com`
    await clientele.customers.create({ name, surname, email, phone: `+2547110001${10 + index}`, photoMediaId: id })
  }
}

beforeAll(async () => {
  const [port, developmentPort] = await freePorts(2)
  origin = `http://localhost:${port}`
  developmentOrigin = `http://localhost:${developmentPort}`
  system = await startSystem({ gateway: { FRONT_END_ORIGINS: `${origin},${developmentOrigin}` } })
  await allowOrigin()
  user = await createSignedInUser(['user'])
  await createCustomers()
  const env = { ...process.env, VITE_CLIENTELE_URL: system.gateway }
  const build = ['run', 'build', '--workspace', 'examples/front-end', '--', '--outDir', dist, '--emptyOutDir']
  await run('npm', build, { cwd: projectRoot, env })
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js')
  const preview = ['preview', '--outDir', dist, '--port', String(port), '--strictPort', '--host', 'localhost']
  server = spawn(process.execPath, [vite, ...preview], { cwd: example, stdio: 'inherit' })
  await eventually(async () => expect((await fetch(origin)).status).toBe(200))
  const command = codeBlocks('docs/front-end.md', 'sh').find((code) => code.startsWith('npm run dev')) ?? ''
  const [program = '', ...args] = [...command.trim().split(' '), '--', '--port', String(developmentPort)]
  development = spawn(program, args, { cwd: projectRoot, env, detached: true, stdio: 'inherit' })
  browser = await openBrowser()
  const context = await browser.newContext({ viewport: { width: 1200, height: 860 }, colorScheme: 'light' })
  page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => browserErrors.push(error.message))
}, 180_000)
afterAll(async () => {
  await browser?.close()
  server?.kill()
  if (development?.pid) process.kill(-development.pid)
  await system?.close()
  rmSync(dist, { recursive: true, force: true })
}, 60_000)

// Run in the page, whose types this project does not have.
const hiddenWidth = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
const background = 'getComputedStyle(document.body).backgroundColor'
const loadedPhotos = `[...document.querySelectorAll('td img')].filter(({ naturalWidth }) => naturalWidth > 0).length`
const recordProgress = `
  window.seen = []
  const progress = document.querySelector('progress')
  new MutationObserver(() => seen.push(progress.value)).observe(progress, { attributeFilter: ['value'] })`

const rows = () => page.locator('#rows tr')
const openForm = async (): Promise<void> => {
  await page.getByRole('button', { name: 'New customer' }).click()
  await page.getByRole('heading', { name: 'New customer' }).waitFor()
}

describe('The page docs/front-end.md', () => {
  it('each of its examples of TypeScript is code of examples/front-end', () => {
    const folder = join(example, 'src')
    const source = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
    const withoutSpace = (code: string) => code.replaceAll(/\s+/g, '')
    const all = withoutSpace(source.join('\n'))
    const blocks = codeBlocks('docs/front-end.md', 'ts')
    expect(blocks.length).toBeGreaterThan(4)
    expect(blocks.filter((block) => !all.includes(withoutSpace(block)))).toEqual([])
  })

  it('its command for development serves the page of the example', async () => {
    await eventually(
      async () => expect(await (await fetch(`${developmentOrigin}/src/main.ts`)).text()).toContain('showCustomers'),
      { timeoutMs: 30_000 },
    )
  }, 60_000)
})

/** Uploads in the page with the client whose address is `module`. @returns how each upload ended */
const uploadInPage = async ({ module, baseUrl, token }: { module: string; baseUrl: string; token: string }) => {
  const { createClient } = (await import(module)) as typeof import('@clientele/client')
  const { media } = createClient({ baseUrl, getToken: () => token, maxRetries: 0 })
  const unreachable = createClient({ baseUrl: 'http://localhost:1', maxRetries: 0 })
  const file = new File([new Uint8Array(5_000_000)], 'photo.png', { type: 'image/png' })
  const endOf = (upload: Promise<unknown>): Promise<string> =>
    upload.then(
      () => 'stored',
      ({ code, message }) => (typeof code === 'string' ? code : message),
    )
  const onProgress = () => {}
  const leaving = new AbortController()
  const leave = () => leaving.abort(new Error('left the page'))
  return {
    refused: await endOf(media.upload({ file }, { onProgress })),
    cancelled: await endOf(media.upload({ file }, { signal: leaving.signal, onProgress: leave })),
    'cancelled before': await endOf(media.upload({ file }, { signal: leaving.signal, onProgress })),
    late: await endOf(media.upload({ file }, { timeoutMs: 1, onProgress })),
    unreachable: await endOf(unreachable.media.upload({ file }, { onProgress })),
  }
}

describe('The client in a browser', () => {
  it('an upload with progress reports problems, lost connections and timeouts, and can be cancelled', async () => {
    const module = `/@fs${join(projectRoot, 'client', 'src', 'index.ts')}`
    const other = await browser.newPage()
    await other.goto(developmentOrigin)
    expect(await other.evaluate(uploadInPage, { module, baseUrl: system.gateway, token: user.token })).toEqual({
      refused: 'unsupported_media_type',
      cancelled: 'left the page',
      'cancelled before': 'left the page',
      late: 'timed_out',
      unreachable: 'network_error',
    })
    await other.close()
  }, 60_000)
})

describe('The example of a front end on an origin of its own', () => {
  it('a user signs in with Authorization Code and PKCE, and sees the customers', async () => {
    const requests: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(origin)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signInAtKeycloak(page, user.username, user.password)
    await page.getByText(`${people.length} customers`).waitFor()
    expect(await page.locator('#user').textContent()).toBe(`Test ${user.username.slice(5)}`)
    expect(requests.find((url) => url.includes('/protocol/openid-connect/auth?'))).toContain(
      'code_challenge_method=S256',
    )
    expect(page.url()).toBe(`${origin}/`)
    expect(await rows().count()).toBe(10)
    await eventually(async () => expect(await page.evaluate<number>(loadedPhotos)).toBe(10))
  }, 60_000)

  it('the page is that of the document, has no horizontal scroll bar at three widths, and follows the colour scheme', async () => {
    await page.locator('#user').evaluate((element) => {
      element.textContent = 'Demo User'
    })
    await page.waitForLoadState('networkidle')
    expect(await differenceFromPicture(await page.screenshot(), 'front-end.png')).toBeLessThan(8)
    const backgrounds = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [360, 768, 1280]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 860 })
        expect(await page.evaluate<number>(hiddenWidth)).toBe(0)
        backgrounds.add(await page.evaluate<string>(background))
      }
    expect(backgrounds.size).toBe(2)
  }, 60_000)

  it('the next page and the previous one are one click away', async () => {
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Grace Wilson').waitFor()
    expect(await rows().count()).toBe(2)
    await page.getByRole('button', { name: 'Previous' }).click()
    await page.getByText('Grace Bartik').waitFor()
    expect(await rows().count()).toBe(10)
  }, 60_000)

  it('a search finds a customer while the user types', async () => {
    await page.getByRole('searchbox').pressSequentially('hopp')
    await page.getByText('1 customers').waitFor()
    expect(await rows().count()).toBe(1)
    expect(await rows().textContent()).toContain('Grace Hopper')
    await page.getByRole('searchbox').fill('')
    await page.getByText(`${people.length} customers`).waitFor()
  }, 60_000)

  it('errors of the API stand at their fields, and go when the field is changed', async () => {
    await openForm()
    await page.getByLabel('Surname').fill('Lovelace')
    await page.getByLabel('E-mail').fill('not an address')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('#email-error:not(:empty)').waitFor()
    expect(await page.locator('#name-error').textContent()).not.toBe('')
    expect(await page.locator('#surname-error').textContent()).toBe('')
    await page.getByLabel('E-mail').fill('hopper@example.com')
    expect(await page.locator('#email-error').textContent()).toBe('')
    await page.locator('input[name=name]').fill('Ada')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('#email-error:not(:empty)').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
  }, 60_000)

  it('a photo is uploaded with its progress, and its customer is in the list with it', async () => {
    const bytes = await sharp(Buffer.from(Uint8Array.from({ length: 600 * 600 * 3 }, () => Math.random() * 256)), {
      raw: { width: 600, height: 600, channels: 3 },
    })
      .png()
      .toBuffer()
    await openForm()
    await page.locator('input[name=name]').fill('Ada')
    await page.getByLabel('Surname').fill('Aaronson')
    await page.getByLabel('E-mail').fill('ada@example.com')
    await page
      .getByLabel('Photo', { exact: true })
      .setInputFiles({ name: 'ada.png', mimeType: 'image/png', buffer: bytes })
    await page.evaluate(recordProgress)
    const network = await page.context().newCDPSession(page)
    await network.send('Network.enable')
    const limits = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_000_000 }
    await network.send('Network.emulateNetworkConditions', limits)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(`${people.length + 1} customers`).waitFor()
    const seen = await page.evaluate<number[]>('seen')
    expect(seen.filter((value) => value > 0 && value < 1).length).toBeGreaterThan(0)
    expect(seen.at(-1)).toBe(1)
    const row = rows().filter({ hasText: 'Ada Aaronson' })
    await row.locator('img').waitFor()
    await network.send('Network.disable')
  }, 60_000)

  it('a change of somebody else is not overwritten', async () => {
    await page.getByRole('button', { name: 'Ada Aaronson' }).click()
    await page.getByRole('heading', { name: /Customer CUS-/ }).waitFor()
    const api = client(system.gateway, user.token)
    await api.patch('/v1/customers/ada@example.com?idBy=email', { metadata: { seen: true } })
    await page.getByLabel('Surname').fill('Aalto')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Somebody else has changed this customer').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
  }, 60_000)

  it('a reload keeps the user signed in, and a sign-out leads back to the page', async () => {
    await page.reload()
    await page.getByText(`${people.length + 1} customers`).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(page.url()).toBe(`${origin}/`)
    expect(browserErrors).toEqual([])
  }, 60_000)
})

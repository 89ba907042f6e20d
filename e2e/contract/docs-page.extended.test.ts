import { createSignedInUser } from '@clientele/platform/testing/tokens'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../browser.ts'
import { type System, startSystem } from '../system.ts'

let system: System
let browser: Browser
let page: Page
const browserErrors: string[] = []
const requests: string[] = []
beforeAll(async () => {
  system = await startSystem()
  browser = await openBrowser()
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.setDefaultTimeout(30_000)
  page.on('console', (message) => {
    if (message.type() === 'error') browserErrors.push(message.text())
  })
  page.on('pageerror', (error) => browserErrors.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(`${system.gateway}/docs`)
  const { token } = await createSignedInUser(['user'])
  await page.locator('button.authorize').first().click()
  const bearer = page.locator('.auth-container', { hasText: 'bearer (http' })
  await bearer.locator('input').fill(token)
  await bearer.locator('button.authorize').click()
  await page.locator('.btn-done').first().click()
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await system?.close()
}, 60_000)

const opened = new Set<string>()
/** Opens the group and the operation, if they are folded. */
const open = async (tag: string, operationId: string) => {
  if (!opened.has(tag)) await page.locator(`.opblock-tag[data-tag="${tag}"]`).click()
  opened.add(tag)
  const operation = page.locator(`.opblock[id$="-${operationId}"]`)
  await operation.locator('.opblock-summary-control').first().click()
  await operation.locator('.opblock-body').waitFor()
  return operation
}

describe('/docs in a browser', () => {
  it('the errors of an operation are one folded line with links to what to do, and operations for admins have a badge', async () => {
    expect(await page.locator('.opblock').count()).toBe(0)
    const operation = await open('Products', 'getProduct')
    const errors = operation.locator('.errors')
    expect(await errors.locator('summary').innerText()).toMatch(/^Errors: 400, 401, 403, 404, .*503, 504$/)
    expect(await errors.locator('a', { hasText: 'not_found' }).getAttribute('href')).toBe('/problems/not-found')
    expect(await errors.locator('li').first().isVisible()).toBe(false)
    expect(await operation.locator('.responses-table .response').count()).toBeLessThan(4)
    expect(await operation.getByText('No links').first().isVisible()).toBe(false)
    expect((await operation.boundingBox())?.height).toBeLessThan(2_500)
    await page.locator('.opblock-tag[data-tag="Notifications"]').click()
    const badge = page.locator('.opblock[id$="-retryNotification"] .role')
    expect(await badge.innerText()).toBe('admin')
    expect(await page.locator('.opblock[id$="-listNotifications"] .role').count()).toBe(0)
  }, 60_000)

  it.each([
    ['Own profile', 'getMe', 200],
    ['Own profile', 'updateMe', 200],
    ['Customers', 'createCustomer', 201],
    ['Customers', 'batchCustomers', 200],
    ['Customers', 'listCustomers', 200],
    ['Products', 'createProduct', 201],
    ['Products', 'listProducts', 200],
    ['Orders', 'createOrder', 201],
    ['Orders', 'listOrders', 200],
    ['Exports', 'createExport', 202],
    ['Products', 'createProductExport', 202],
  ])(
    '/docs sends %s / %s as it stands and gets %i',
    async (tag, operationId, status) => {
      const operation = await open(tag, operationId)
      requests.length = 0
      await operation.getByRole('button', { name: 'Execute' }).click()
      const response = operation.locator('.live-responses-table .response').first()
      await response.waitFor()
      expect((await response.locator('.response-col_status').innerText()).trim()).toMatch(new RegExp(`^${status}`))
      // Examples of parameters are not sent: they would narrow a list to nothing.
      expect(requests.filter((url) => url.includes('?'))).toEqual([])
      expect(browserErrors).toEqual([])
      await operation.locator('.opblock-summary-control').first().click()
    },
    60_000,
  )
})

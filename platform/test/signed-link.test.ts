import { signLink, verifyLink } from '@clientele/platform/http/signed-link'

const key = 'k'.repeat(32)
const now = Date.UTC(2026, 10, 20, 9, 30)
const sign = (path: string, at = now) => signLink(path, { key, ttlSeconds: 3600, now: at })

describe('signed links', () => {
  it('a link works until it expires', () => {
    const link = sign('/v1/media/1/content?variant=thumb')
    expect(verifyLink(link, key, now)).toBe(true)
    expect(verifyLink(link, key, now + 3599_000)).toBe(true)
    expect(verifyLink(link, key, now + 1.5 * 3600_000 + 1000)).toBe(false)
  })

  it('a link stays the same for a while, so that what it shows is cached', () => {
    expect(sign('/a', now + 60_000)).toBe(sign('/a', now + 120_000))
    expect(sign('/a', now)).not.toBe(sign('/a', now + 3600_000))
  })

  it('an absolute address and parameters in another order are the same link', () => {
    const link = sign('/v1/media/1/content?variant=thumb')
    expect(verifyLink(`https://crm.example.com${link}`, key, now)).toBe(true)
    const [path, query = ''] = link.split('?')
    expect(verifyLink(`${path}?${query.split('&').reverse().join('&')}`, key, now)).toBe(true)
  })

  const link = sign('/v1/media/1/content?variant=thumb')
  it.each([
    ['another path', link.replace('/1/', '/2/')],
    ['another parameter', link.replace('thumb', 'original')],
    ['one parameter more', `${link}&download=1`],
    ['a later expiry', link.replace(/expires=(\d+)/, (_all, seconds) => `expires=${Number(seconds) + 3600}`)],
    ['no expiry', link.replace(/&expires=\d+/, '')],
    ['two expiries', `${link}&expires=99999999999`],
    ['another signature', link.replace(/signature=./, 'signature=!')],
    ['an empty signature', link.replace(/signature=.*/, 'signature=')],
    ['no signature', link.replace(/&signature=.*/, '')],
    ['two signatures', `${link}&signature=x`],
    ['nothing', ''],
    ['no address', 'http://['],
  ])('refuses %s', (_what, altered) => {
    expect(verifyLink(altered, key, now)).toBe(false)
  })

  it('refuses a link signed with another key', () => {
    expect(verifyLink(link, 'x'.repeat(32), now)).toBe(false)
  })

  it('does not sign a link twice', () => {
    expect(() => sign(link)).toThrow('signed already')
  })
})

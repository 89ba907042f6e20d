import { createAddressCheck } from '../src/webhooks/requests/addresses.ts'
import { isAllowedPort } from '../src/webhooks/requests/connector.ts'
import { parseRetryAfter } from '../src/webhooks/requests/retry-after.ts'
import { createSecretBox, newSecret } from '../src/webhooks/secrets.ts'

/** The address that a URL with this host leads to, as `URL` normalises it. */
const hostOf = (host: string): string => new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '')

describe('The check of addresses', () => {
  const isPublic = createAddressCheck([])

  it.each([
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0x7f000001', '017700000001', '0', '0.0.0.0', '127.0.0.1.'],
    ...['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '169.254.169.254', '192.0.0.192', '192.0.2.1'],
    ...['198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '168.63.129.16', '100.100.100.200'],
    ...[
      '[::]',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[0:0:0:0:0:ffff:10.0.0.1]',
      '[::127.0.0.1]',
      '[::7f00:1]',
    ],
    ...['[64:ff9b::10.0.0.1]', '[64:ff9b::a00:1]', '[64:ff9b:1::10.0.0.1]', '[2002:7f00:1::]', '[2002:a00:1::1]'],
    ...[
      '[fc00::1]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '[fec0::1]',
      '[ff02::1]',
      '[2001:db8::1]',
      '[2001::1]',
      '[100::1]',
    ],
    ...['[::ffff:169.254.169.254]', '[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::1]', '[::ffff:0:127.0.0.1]'],
  ])('refuses %s', (host) => {
    expect(isPublic(hostOf(host))).toBe(false)
  })

  it.each([
    ...[
      '93.184.216.34',
      '1.1.1.1',
      '[2606:4700:4700::1111]',
      '[::ffff:1.1.1.1]',
      '[64:ff9b::101:101]',
      '[2002:101:101::1]',
    ],
  ])('allows %s', (host) => {
    expect(isPublic(hostOf(host))).toBe(true)
  })

  it('allows the networks of the setting, but never cloud metadata', () => {
    const isAllowed = createAddressCheck(['192.168.10.0/24', '169.254.0.0/16', 'fd00::/8', '100.64.0.0/10'])
    for (const address of ['192.168.10.7', '::ffff:192.168.10.7', 'fd12::1', '100.64.0.1', '1.1.1.1'])
      expect([address, isAllowed(address)]).toEqual([address, true])
    for (const address of [
      '192.168.11.7',
      '10.0.0.1',
      '169.254.169.254',
      'fd00:ec2::254',
      '100.100.100.200',
      '127.0.0.1',
    ])
      expect([address, isAllowed(address)]).toEqual([address, false])
  })

  it.each(['', 'localhost', '1.1.1.1%eth0', 'fe80::1%eth0', '1.1.1.1/8'])('refuses what is no address: %j', (text) => {
    expect(isPublic(text)).toBe(false)
  })

  it('allows the port of the protocol, and those from 1024 on', () => {
    for (const [protocol, port, isAllowed] of [
      ['https:', '', true],
      ['https:', '443', true],
      ['https:', '80', false],
      ['https:', '8443', true],
      ['http:', '', true],
      ['http:', '443', false],
      ['http:', '25', false],
      ['http:', '1024', true],
    ] as const)
      expect([protocol, port, isAllowedPort(protocol, port)]).toEqual([protocol, port, isAllowed])
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T09:30:00.000Z')
  it.each([
    ['120', 120_000],
    ['Fri, 20 Nov 2026 09:31:00 GMT', 60_000],
    ['Fri, 20 Nov 2026 09:00:00 GMT', 0],
    ['31536000', 1_000_000],
    ['999999999999999', 1_000_000],
    ['Sat, 20 Nov 2027 09:31:00 GMT', 1_000_000],
    ['soon', null],
    ['-1', null],
    ['1.5', null],
    ['', null],
    ['99999999999999999999', null],
    ['Fri, rubbish', null],
  ])('%j', (header, expected) => {
    expect(parseRetryAfter(header, 1_000_000, now)).toBe(expected)
  })
})

describe('Secrets', () => {
  const [first, second] = ['a first key of thirty-two characters', 'another key of thirty-two characters']

  it('are decrypted with each of the keys, and only for their webhook', () => {
    const secret = newSecret()
    const sealed = createSecretBox([first]).seal(secret, 'a')
    const rotated = createSecretBox([second, first])
    expect(rotated.open(sealed, 'a')).toBe(secret)
    expect(rotated.open(sealed, 'b')).toBeUndefined()
    expect(createSecretBox([second]).open(sealed, 'a')).toBeUndefined()
    expect(rotated.isOutdated(sealed, 'a')).toBe(true)
    expect(rotated.isOutdated(rotated.seal(secret, 'a'), 'a')).toBe(false)
  })

  it('are never the same bytes twice, and cannot be changed', () => {
    const box = createSecretBox([first])
    const sealed = box.seal('whsec_a', 'a')
    expect(box.seal('whsec_a', 'a').equals(sealed)).toBe(false)
    const changed = Buffer.from(sealed)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(box.open(changed, 'a')).toBeUndefined()
  })
})

// jschardet's names of charsets, and ours where they differ.
const candidates: Record<string, string> = {
  'windows-1250': 'windows-1250',
  'windows-1251': 'windows-1251',
  'windows-1252': 'windows-1252',
  'windows-1253': 'windows-1253',
  'windows-1254': 'windows-1254',
  'windows-1255': 'windows-1255',
  'windows-1256': 'windows-1256',
  'windows-1257': 'windows-1257',
  'windows-1258': 'windows-1258',
  'iso-8859-2': 'iso-8859-2',
  'koi8-r': 'koi8-r',
  'koi8-u': 'koi8-u',
  ibm866: 'ibm866',
  macroman: 'macintosh',
  maccyrillic: 'x-mac-cyrillic',
  'tis-620': 'windows-874',
  cp932: 'shift_jis',
  'euc-jp': 'euc-jp',
  gb18030: 'gb18030',
  big5: 'big5',
  cp949: 'euc-kr',
}

const sampleBytes = 16 << 10
const fallback = 'windows-1252'

/** A large sample without the lines that are ASCII, which say nothing about the charset. */
const tellingLines = (sample: Buffer): Buffer => {
  if (sample.length <= sampleBytes) return sample
  const lines: Buffer[] = []
  let bytes = 0
  for (let from = 0; from < sample.length && bytes < sampleBytes; ) {
    const newline = sample.indexOf(0x0a, from)
    const line = sample.subarray(from, newline === -1 ? sample.length : newline + 1)
    from += line.length
    if (!line.some((byte) => byte >= 0x80)) continue
    lines.push(line)
    bytes += line.length
  }
  return Buffer.concat(lines).subarray(0, sampleBytes)
}

const oddPlaces =
  /\p{Ll}\p{Lu}|\p{Lu}{2}\p{Ll}|\p{L}[^\p{L}\p{M}\p{N}\s,;"'’.\-–@_/|()&+]\p{L}|(?![\t\n\r])\p{Cc}|[\p{So}\p{Sk}\p{Co}\p{Cn}\uFFFD]/gu

/** Counts what names and sentences do not have: signs within words, small letters before capitals, unassigned characters. */
const countOddPlaces = (text: string): number => text.match(oddPlaces)?.length ?? 0

/**
 * Guesses the charset of text that is not UTF-8, by the letters and their order. jschardet knows which are likely in which language.
 * Its scores for short texts are close to each other, so of the likely charsets the one wins that decodes the text to the
 * most regular words, and windows-1252 wins if it is nearly as likely or decodes the text to the same.
 */
export const guessCharset = async (sample: Buffer): Promise<string> => {
  // The model of the languages takes 60 MB and 150 ms to load, so it is only loaded when needed.
  const { detectAll } = await import('jschardet')
  const text = tellingLines(sample)
  const scores = detectAll(text, { minimumThreshold: 0 })
  const likely = scores.flatMap(({ encoding, confidence }) => {
    const name = candidates[encoding?.toLowerCase() ?? '']
    if (name === undefined) return []
    const decoded = new TextDecoder(name).decode(text, { stream: true })
    return [{ name, confidence, decoded, odd: countOddPlaces(decoded) }]
  })
  const best = Math.max(...likely.map(({ confidence }) => confidence))
  const near = likely.filter(({ confidence }) => confidence >= best / 2)
  const regular = near.filter(({ odd }) => odd === Math.min(...near.map((each) => each.odd)))
  const [first] = regular
  const usual = regular.find(({ name }) => name === fallback)
  const isAsLikely = usual && first && (usual.confidence >= 0.8 * first.confidence || usual.decoded === first.decoded)
  return (isAsLikely ? usual : first)?.name ?? fallback
}

// The GSM alphabet (GSM 03.38, section 6.2.1). Characters of the extension table count as two.
const basic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
const extension = new Set('^{}\\[~]|€\f')

const countSeptets = (text: string): number | undefined => {
  let count = 0
  for (const character of text) {
    if (basic.has(character)) count += 1
    else if (extension.has(character)) count += 2
    else return undefined
  }
  return count
}

/** How many segments an SMS is sent, and billed, as. */
export const countSegments = (text: string): number => {
  const count = countSeptets(text)
  if (count !== undefined) return count <= 160 ? 1 : Math.ceil(count / 153)
  return text.length <= 70 ? 1 : Math.ceil(text.length / 67)
}

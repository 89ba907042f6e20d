export const numberPrefix = 'ORD-'
/** Numbers with fewer digits begin with zeros. */
export const minDigits = 6

/** 123 → `ORD-000123` */
export const formatOrderNumber = (number: number): string => numberPrefix + String(number).padStart(minDigits, '0')

/** `ord-123` and `ORD-000123` → 123; undefined for anything else. */
export const parseOrderNumber = (text: string): number | undefined => {
  const [, number] = /^\s*ORD-(\d{1,15})\s*$/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}

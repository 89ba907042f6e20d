import sharp from 'sharp'

const size = 640
const skins = ['#f2d3bd', '#e0ac87', '#c68642', '#8d5524', '#5c3a21', '#ffdbac']
const hairs = ['#2b1b12', '#5a3825', '#a55728', '#d6a552', '#1d1d24', '#77736e']
const clothes = ['#22577a', '#9c3848', '#2d6a4f', '#6d597a', '#b56576', '#33415c', '#bc6c25']

const pick = (list: string[], number: number): string => list[number % list.length] ?? '#888888'

/** Draws a demo customer's photo, a head on a gradient, as JPEG. The same number always gives the same image. */
export const drawDemoPhoto = (number: number): Promise<Buffer> => {
  const hue = (number * 137) % 360
  const skin = pick(skins, number * 5 + 1)
  const hair = pick(hairs, number * 7 + 2 + Math.floor(number / 6) * 2)
  const longHair = number % 2 === 0
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 100 100">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="hsl(${hue},58%,82%)"/><stop offset="1" stop-color="hsl(${(hue + 45) % 360},52%,58%)"/></linearGradient></defs>
<rect width="100" height="100" fill="url(#g)"/>
${longHair ? `<path d="M26 46 C22 14 78 14 74 46 L77 76 Q50 86 23 76 Z" fill="${hair}"/>` : ''}
<path d="M10 104 C10 76 32 71 50 71 C68 71 90 76 90 104 Z" fill="${pick(clothes, number * 3)}"/>
<path d="M42 60 h16 v12 q-8 7 -16 0 Z" fill="${skin}"/>
<ellipse cx="50" cy="45" rx="18.5" ry="22" fill="${skin}"/>
<path d="M30 43 C28 16 72 16 70 43 C66 34 ${number % 3 ? '58 31 48 32 C40 32 34 36 30 43' : '60 27 44 31 C38 33 33 37 30 43'} Z" fill="${hair}"/>
<circle cx="43" cy="45" r="1.7" fill="#2a2320"/><circle cx="57" cy="45" r="1.7" fill="#2a2320"/>
<path d="M43.5 54 q6.5 5.5 13 0" stroke="#8a4a42" stroke-width="1.5" stroke-linecap="round" fill="none"/>
</svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 84 }).toBuffer()
}

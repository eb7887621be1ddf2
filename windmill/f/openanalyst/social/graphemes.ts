// What a reader takes for one character: extended grapheme clusters by UAX #29, Unicode 17. The engine has no Intl.Segmenter,
// so that the rule stands here, the same on every engine.

/**
 * Grapheme_Cluster_Break of every code point from U+0300 on that is not Other, from the Unicode Character Database. An entry is
 * the distance from the end of the one before, the class, and how many code points follow the first; both numbers in base 36.
 * C Control, E Extend and ZWJ apart, K an Indic consonant (InCB), L V T Hangul, P Prepend, R Regional_Indicator, S SpacingMark,
 * X Extended_Pictographic. Syllables of Hangul are computed.
 */
const BREAKS = `
lcE33,7nE6,7bE18,1E,1E1,1E1,1E,1kP5,aEa,1C,1aEk,gE,2tE6,P,1E5,2E1,1E3,xP,1E,uEq,2jEa,1mE8,9E,oE3
1E8,1E2,1E4,17E2,1gP1,5E8,16En,P,Ev,S,hK10,E,S,E,1S2,E7,S3,E,S1,1E6,K7,2E1,kK7,1E,S1,hKj,1K6,1K
3K3,2E,1E,S1,E3,2S1,2S1,E,9E,4K1,1K,2E1,cK1,cE,2E1,S,1kE,1S2,E1,4E1,2E2,3E,uE1,3E,bE1,S,hKj,1K6
1K1,1K4,2E,1S2,E4,1E1,S,1S1,E,kE1,lK,E5,1E,S1,hKj,1K6,1K1,1K4,2E,1E1,S,E3,2S1,2S1,E,7E2,4K1,1K,2E1
dK,gE,1nE,S,E,S1,3S2,1S2,E,9E,14E,S2,E,gKj,1Kf,2E,1E2,S3,1E2,1E3,7E1,1K2,7E1,tE,S1,1kE,1S,E1,S,E
S1,1E2,1E3,7E1,bE1,fS,cE1,S1,hK11,E1,1E,S1,E3,1S2,1S2,E,P,8E,aE1,tE,S1,1yE,4E,S1,E2,1E,1S6,E,iS1
1pE,1S,E6,cE7,2qE,1S,E8,bE6,21E1,rE,1E,1E,4S1,1dEd,S,E4,1E1,5Ea,1Ez,9E,1lK16,2E3,S,E5,1E1,S1,E1,K
gK5,S1,E1,K3,E2,K,3K1,7K2,E3,Kc,E,1S,E1,6E,K,eE,2qL2n,V1z,T2f,9pE2,qaE3,sE2,tE1,uE1,cK1f,E1,S,E6
S7,E,S1,Ea,9E,19E2,C,E,39E1,yE,3aE2,S3,E1,S2,4S1,E,S5,E2,63E1,S1,E,4K1g,S,E,S,E6,1E,1E,2E7,S5,E9
2E,1cE19,2Eb,kE3,S,6K1,6Kw,E9,S3,E2,K7,uE8,cE1,S,Kt,S,E3,S1,E5,K1,bK2,14E,S,E1,S2,E,S,E4,1cS7,E7
S1,E1,48E2,1Ec,S,E6,4E,6E,2S,E1,5iE1r,ejC,E,1C1,oC6,dX,cX,mCf,2oEw,1dX,mX,2iX5,fX1,a7X1,cX,4mX,pXa
4X2,5jX,6fX1,aX,9X,1mX3,1X4,9X,2X,2X1,2X,4X,2X,1X1,2X,3X,3X1,8X2,5X,1X,5Xb,bX1,2X,1X1,1X,iX,2X1
iX5,1X,1X1,3X1,5X,2X1,4X1,bX1,5X1,2X,5X1,1X,1X1,kX1,5X5,1X3,2X,4X,2X,2X5,1X,2X,1X,1X,6X,3X,6X,aX1
fX,2X,4X,1X,4X2,1X,bX1,1cX2,9X,eX,eX,acX1,cvX2,jX1,1fX,4X,bdE2,3xE,2oEv,feE5,X,cX,2jE1,e4X,1X
mvpE3,1E9,wE1,28E1,7kE,3E,4E,nS1,E1,S,4E,2bS1,1eSf,E1,qEh,dE,12E7,pEa,S,E,cLs,3E2,S,5K2,3Kz,E,S1
E3,S1,E1,S1,E,vK4,E,1K8,aK4,16E5,S1,E1,S1,E1,cE,8E,S,iKf,1K2,6K,1E,1K1,1cE,1E2,2E1,5E1,1E,uKa,S,E1
S1,5S,E,5lKq,8S1,E,S1,E,S1,1S,E,8n6Vm,4T1c,6xuE,khEf,gEf,5rC,4eE1,28Cb,e9E,6aE,45E4,1adK,E2,1E1
5E3,K3,1K2,1Ks,2E2,4E,4lE1,fxE3,1tE4,8tE1,25E5,1yEa,1dE3,3eS,E,S,1hEe,15E,2E1,aE2,S,19S2,E3,S1,E1
2P,4E,aP,1eE2,Kz,E4,S,E7,fK,S1,K,17E,cE1,S,1cS2,E8,S,E,1P1,5E3,1S,E,2kS2,E2,S1,E3,6E,2E,4dE,S2,E7
lE1,S1,1jE1,1E,S,E,S3,2S1,2S1,E,9E,aS1,2E6,3E4,bK9,1K,2K,1K11,2E,S1,E5,1E,2E,1E2,S,1S1,E2,P,E,eE1
2aS2,E7,S1,E2,S,E,nE,29E,S1,E5,S,E,S1,E,S,E1,S,E1,6jE,S1,E3,2S3,E1,S,E1,rE1,2aS2,E7,S1,E,S,E1,2yE
S,E,S1,E7,2tE,S,E,2E3,S,E4,74S2,E8,S,E1,5hK6,2K,2K7,1K1,1Kn,E,S4,1S1,2E3,P,S,P,S,E,3xS2,E3,2E1,S3
E,3S,rK,E9,K13,E5,S,1E3,8E,8K,E5,S1,E2,K13,P5,Ec,S,E1,5iE,S,E2,S,E,S,5jS,E6,1E5,S,E,2aEl,1S,E6,S
E1,S,E1,3eE5,3E,1E1,1E6,P,E,1uS4,1E1,1S1,E,S,E,9nE1,S1,9E1,P,S,Kc,1Kx,S1,E4,3S1,E2,nE,445Cf,E,6Ee
8ugEb,S2,E2,1xcE4,1nE6,fgV,3V3,dgE,1S1i,7E3,29E,bE1,f57E1,1C3,3mkE19,2Em,f2E4,3E5,C7,E7,2E6,uE3
44E2,1izE1i,4E1d,8E,eE,mE4,1Ee,11sE6,1Eg,2E6,1E1,1E4,2sE,4gE6,afE,1pE3,e4E3,72E1,6rE,2E,7E1,5E
d6E6,31E6,1btX,13X3,2sXb,fX1,fX,eX1,11X9,34X1,cX1,eX,2X9,jX1j,Rp,1Xe,aX,kX,2X8,1X3,9Xm,6X57,2X33
2X1,1X2,2X2a,2X2,1X3,E4,X71,1X1q,bX5,1Xn,7X1,2X7,cX,2X3,2X,4X1,dX1,2X,8X1,9X,5X2,cX2,8X2,2X,1X,4X
6X,3X,6X2d,1cX1x,5X7,2Xg,3X,1X5,2Xc,62X11,cX3,1kX7,aX5,14X7,uX1,cX3,2Xd,9X12,cX1a,1X9,1X54,2gX7
eX41,74Xsd,guteCv,E2n,C3j,E6n,C2rz`;

/** InCB=Linker: what joins two Indic consonants. */
const LINKERS = new Set([
  0x94d, 0x9cd, 0xacd, 0xb4d, 0xc4d, 0xd4d, 0x1039, 0x17d2, 0x1a60, 0x1b44, 0x1bab, 0xa9c0, 0xaaf6, 0x10a3f, 0x11133, 0x113d0, 0x1193e,
  0x11a47, 0x11a99, 0x11f42,
]);
const ZWNJ = 0x200c;
const ZWJ = 0x200d;

/** The tables, read once where a text needs them. */
let table: { starts: number[]; ends: number[]; classes: string[] } | undefined;

function breaks() {
  if (table === undefined) {
    const starts: number[] = [];
    const ends: number[] = [];
    const classes: string[] = [];
    let next = 0;
    for (const entry of BREAKS.trim().split(/[,\n]+/)) {
      const at = entry.search(/[A-Z]/);
      const start = next + (at === 0 ? 0 : parseInt(entry.slice(0, at), 36));
      next = start + (at + 1 === entry.length ? 0 : parseInt(entry.slice(at + 1), 36)) + 1;
      starts.push(start);
      ends.push(next);
      classes.push(entry.charAt(at));
    }
    table = { starts, ends, classes };
  }
  return table;
}

/** The class of a code point: a letter as above, H and G for the syllables LV and LVT, Z for ZWJ, N and M for CR and LF, O for Other. */
function classOf(code: number): string {
  if (code < 0x300) {
    if (code === 0x0d || code === 0x0a) {
      return code === 0x0d ? "N" : "M";
    }
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xad) {
      return "C";
    }
    return code === 0xa9 || code === 0xae ? "X" : "O";
  }
  if (code >= 0xac00 && code <= 0xd7a3) {
    return (code - 0xac00) % 28 === 0 ? "H" : "G";
  }
  if (code === ZWJ) {
    return "Z";
  }
  const { starts, ends, classes } = breaks();
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= code) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > 0 && code < ends[low - 1] ? classes[low - 1] : "O";
}

/** Rules GB3 to GB8, GB9a and GB9b: the pairs that never part, as the class before and those behind it. */
const TOGETHER: Record<string, string> = { N: "M", L: "LVHG", H: "VT", V: "VT", G: "T", T: "T" };

/** Where each character begins, in UTF-16 code units. */
export function starts(text: string): number[] {
  const found: number[] = [];
  let before = "";
  let regionalIndicators = 0;
  // Whether what stands before is a pictograph and what extends it (GB11), or an Indic consonant and what extends it (GB9c).
  let pictograph = false;
  let consonant = false;
  let linked = false;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0;
    const own = classOf(code);
    const edge = before === "" || "CNM".includes(before) || "CNM".includes(own);
    const joined = edge
      ? before === "N" && own === "M"
      : own === "E" || own === "Z" || own === "S" || before === "P" ||
        (TOGETHER[before]?.includes(own) ?? false) ||
        (own === "X" && before === "Z" && pictograph) ||
        (own === "K" && linked) ||
        (own === "R" && regionalIndicators % 2 === 1);
    if (!joined) {
      found.push(at);
    }
    regionalIndicators = own === "R" ? regionalIndicators + 1 : 0;
    pictograph = own === "X" || ((own === "E" || own === "Z") && pictograph && before !== "Z");
    if (own === "K") {
      consonant = true;
      linked = false;
    } else if ((own === "E" || own === "Z") && consonant && code !== ZWNJ) {
      linked ||= LINKERS.has(code);
    } else {
      consonant = false;
      linked = false;
    }
    before = own;
    at += code > 0xffff ? 2 : 1;
  }
  return found;
}

const PLAIN = /^[\x20-\x7e]*$/;

/** How many characters a reader sees. */
export function count(text: string): number {
  return PLAIN.test(text) ? text.length : starts(text).length;
}

/** How many characters a text has. */
export async function main(text = "") {
  return count(text);
}

// Every text that can be seen, with its contrast on whatever lies behind it, as WCAG 2.2 computes it (1.4.3):
// translucent layers are laid over each other, of a gradient each colour is tried, and in a drawing the shapes that
// were drawn before lie behind.
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const parsed = new Map();
  const rgba = colour => {
    if (!parsed.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      parsed.set(colour, [r, g, b, a / 255]);
    }
    return parsed.get(colour);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((part, i) => a * part + (1 - a) * below[i]);
  const luminance = colour => {
    const [r, g, b] = colour.map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const faded = (colour, by) => [...colour.slice(0, 3), colour[3] * by];
  const COLOUR = /(?:rgba?|color|oklab|oklch|lab|lch)\([^()]*\)/g;
  const shapesBehind = (text, drawing) => {
    const at = text.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
    return [...drawing.querySelectorAll('rect, circle')].filter(shape => {
      const box = shape.getBoundingClientRect();
      return shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING
        && box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    }).map(shape => {
      const style = getComputedStyle(shape);
      return style.fill === 'none' ? [0, 0, 0, 0]
        : faded(rgba(style.fill), style.fillOpacity * style.opacity);
    });
  };
  const backgrounds = part => {
    const chain = [];
    for (let each = part; each; each = each.parentElement) chain.unshift(each);
    let found = [over(rgba('Canvas'), [255, 255, 255])];
    for (const each of chain) {
      const style = getComputedStyle(each);
      const layers = [rgba(style.backgroundColor)];
      found = found.map(below => over(layers[0], below));
      const gradient = (style.backgroundImage.match(COLOUR) || []).map(rgba);
      if (gradient.length) found = found.flatMap(below => gradient.map(top => over(top, below)));
    }
    const drawing = part.ownerSVGElement;
    return drawing ? found.map(below =>
      shapesBehind(part, drawing).reduce((lower, top) => over(top, lower), below)) : found;
  };
  const texts = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const part = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() && !part.closest('script, style, noscript, title')
      && part.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
      && part.getBoundingClientRect().width > 1) texts.add(part);
  }
  return JSON.stringify([...texts].map(part => {
    const style = getComputedStyle(part), ink = rgba(part.ownerSVGElement ? style.fill : style.color);
    let fade = 1;
    for (let each = part; each; each = each.parentElement) fade *= getComputedStyle(each).opacity;
    const ratios = backgrounds(part).map(paper => contrast(over(faded(ink, fade), paper), paper));
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const disabled = part.closest(':disabled, [aria-disabled="true"]') !== null;
    return {text: part.textContent.trim().slice(0, 60), tag: part.tagName, ratio: Math.min(...ratios),
      needed: disabled ? 0 : large ? 3 : 4.5};
  }));
})()

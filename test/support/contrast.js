// Evaluated in the page: the lowest contrast of any text with what it stands on, as WCAG measures it.
(() => {
  const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.039_28 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
  const shown = [...document.querySelectorAll("body *")].filter((element) => hasText(element) && element.getClientRects().length > 0);
  const contrasts = shown.map((element) => {
    const [text, ground] = [luminance(parse(getComputedStyle(element).color)), luminance(groundOf(element))];
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
  return Math.min(...contrasts);
})();

// The theme leaves the arrows that open a part of the navigation without a name.
for (const arrow of document.querySelectorAll("nav summary")) {
  const link = arrow.closest("li").querySelector("a");
  arrow.setAttribute("aria-label", `Pages below ${link.textContent.trim()}`);
}

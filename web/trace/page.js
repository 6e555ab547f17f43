// Shows the drawing of a trace. The token is that of GraphiQL's sign-in in this tab, if there is one;
// the picture is fetched with it, since nothing else than a header may carry it.
const headers = {};
const token = sessionStorage.getItem("cacaotrace:token");
if (token) headers.Authorization = `Bearer ${token}`;

const id = location.pathname.split("/").pop();
const way = new URLSearchParams(location.search).get("direction") ?? "back";
const status = document.getElementById("status");

for (const one of ["back", "forward"]) {
  const link = document.getElementById(one);
  link.href = `?direction=${one}`;
  if (one === way) link.setAttribute("aria-current", "page");
}
const isBatch = atob(decodeURIComponent(id)).startsWith("CacaoBatch:");
document.getElementById("forward").hidden = !isBatch;

const impact = document.getElementById("impact");
impact.hidden = !isBatch;
impact.href = `/trace/${id}/impact.csv`;
impact.addEventListener("click", async (event) => {
  if (!token) return;
  event.preventDefault();
  const answer = await fetch(impact.href, { headers });
  if (!answer.ok) return say(answer);
  const file = document.createElement("a");
  file.href = URL.createObjectURL(await answer.blob());
  file.download = "impact.csv";
  file.click();
  URL.revokeObjectURL(file.href);
});

async function say(answer) {
  const body = await answer.json().catch(() => ({}));
  status.textContent = body.error ?? `The server answered ${answer.status}.`;
}

async function show() {
  const answer = await fetch(`/trace/${id}.svg?direction=${encodeURIComponent(way)}`, { headers });
  if (!answer.ok) return say(answer);
  const picture = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  document.getElementById("drawing").append(document.importNode(picture.documentElement, true));
  document.title = `${picture.querySelector("title").textContent} - cacaotrace`;
  status.textContent = "";
}

show().catch((error) => {
  status.textContent = `The trace could not be read: ${error.message}`;
});

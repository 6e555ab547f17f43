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
const isBatch = typeName() === "CacaoBatch";
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

// The type that the global id names; "" where the address holds no global id.
function typeName() {
  try {
    return atob(decodeURIComponent(id)).split(":")[0];
  } catch {
    return "";
  }
}

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
  // The subject of a wide drawing may lie outside the window.
  document.querySelector("#drawing [aria-current]").scrollIntoView({ block: "center", inline: "center" });
}

show().catch((error) => {
  status.textContent = `The trace could not be read: ${error.message}`;
});
